"""DeSPITE live: who wears which IMU, and what is everybody doing, from LiDAR alone."""

__version__ = "0.1.0"
