"""The activity labels that motions carry and that released models tell apart."""

ACTIVITIES = (
    "stand", "walk", "run", "turn", "sit", "squat", "bend", "lie", "wave", "reach", "jump", "throw", "dance",
)  # fmt: skip
UNKNOWN = "unknown"
