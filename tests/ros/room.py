"""A LiDAR in a process of its own: publishes a made-up room at 10 Hz until it is ended."""

import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from tests.ros.harness import cloud_message, room_points

rclpy.init()
node = rclpy.create_node("lidar")
publisher = node.create_publisher(
    PointCloud2, "/points", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
)
frame = 0
while rclpy.ok():
    publisher.publish(cloud_message(room_points(frame), time.time_ns()))
    frame += 1
    time.sleep(0.1)
