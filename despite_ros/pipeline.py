"""The one place where the stages are chained: live nodes, replay and benchmarks all run this code.

cloud ─ Segmenter ─► PeopleFrame ─ Reidentifier ─► ReidFrame, with IMU samples going to the Reidentifier.
"""
