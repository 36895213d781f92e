"""Running a released model: crops and IMU windows in, embeddings and activities out."""

from despite_ros.encoders.card import Card, find_model, read_card
from despite_ros.encoders.model import Encoders, load

__all__ = ["Card", "Encoders", "find_model", "load", "read_card"]
