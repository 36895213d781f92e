"""From cloud to people: arrays in, arrays out, no ROS."""
