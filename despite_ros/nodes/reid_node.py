"""The reid node: /despite/people and IMU topics → names, activities, a tf frame per named person."""

import threading
from collections import Counter
from functools import partial

from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from despite_msgs.srv import CalibrateWearer
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from despite_ros.encoders import load
from despite_ros.errors import UserError
from despite_ros.motion.calibration import SECONDS, save_wearer
from despite_ros.motion.wearers import Wearer, load_wearers
from despite_ros.nodes.imu_inputs import ImuInputs
from despite_ros.nodes.markers import MarkerPublisher, name_markers
from despite_ros.nodes.messages import (
    activities_to_message,
    assignments_to_message,
    header_of,
    heading,
    people_from_message,
)
from despite_ros.nodes.monitor import Monitor
from despite_ros.nodes.parameters import declare_settings
from despite_ros.nodes.qos import KEPT_RESULTS, RESULTS, TRANSFORMS, watch_offers
from despite_ros.nodes.story import names_story, wearer_values
from despite_ros.nodes.warm_up import warm_up_reid
from despite_ros.nodes.worker import NewestFirstWorker
from despite_ros.pipeline import Reidentifier
from despite_ros.records import PeopleFrame, ReidFrame

PEOPLE = "despite/people"


class ReidNode(Node):
    """Names people; thin: takes people and IMU samples, calls `Reidentifier`, publishes.

    IMU samples are taken from their topics when the people of a sweep come, and decoded in the worker.
    `lock` guards the `Reidentifier`.
    """

    def __init__(self) -> None:
        super().__init__("reid", automatically_declare_parameters_from_overrides=True)
        self.settings = declare_settings(self, ("motion.", "encoders.", "matching.", "nodes."))
        wearers = self._load_wearers()
        self.encoders = load(
            self.settings.encoders.model,
            device=self.settings.encoders.device,
            threads=self.settings.encoders.threads,
            precision=self.settings.encoders.precision,
            say=self.get_logger().info,
        )
        self.lock = threading.Lock()
        self.reidentifier = Reidentifier(self.settings, wearers, self.encoders)
        self.monitor = Monitor(self, self.settings.nodes.latency_warning)
        self.assignments = self.create_publisher(ImuAssignmentArray, "despite/assignments", KEPT_RESULTS)
        self.activities = self.create_publisher(ActivityArray, "despite/activities", KEPT_RESULTS)
        self.transforms = self.create_publisher(TFMessage, "/tf", TRANSFORMS)
        self.markers = MarkerPublisher(self)
        warm_up_reid(self.reidentifier)
        self.worker = NewestFirstWorker(self._process, self.monitor.internal, "reid")
        self.calibration = self.create_service(CalibrateWearer, "despite/calibrate", self._calibrate)
        self._subscribe(wearers)
        self.get_logger().info(
            f"model {self.encoders.card.name} on {self.encoders.provider}; "
            f"wearers {', '.join(wearer.name for wearer in wearers)}"
        )
        for notice in self.reidentifier.notices:
            self.get_logger().info(notice)

    def close(self) -> None:
        """End the threads; call after shutdown, before `destroy_node`."""
        self.imus.close()
        self.worker.close()

    def _load_wearers(self) -> tuple[Wearer, ...]:
        path = self.settings.nodes.wearers
        if not path:
            raise UserError("nodes.wearers: give the path of a wearers file")
        return load_wearers(path)

    def _subscribe(self, wearers: tuple[Wearer, ...]) -> None:
        self.monitor.watch(PEOPLE, self.settings.nodes.lidar_timeout)
        self.create_subscription(
            PersonArray,
            PEOPLE,
            self._take_people,
            RESULTS,
            event_callbacks=watch_offers(partial(self.monitor.fault, "incompatible_qos", PEOPLE)),
        )
        self.imus = ImuInputs(self, wearers, self.settings.motion.imu_timeout, self.monitor)

    def _take_people(self, message: PersonArray) -> None:
        self.imus.take()
        self.monitor.received(PEOPLE)
        if self.worker.offer(message):
            self.monitor.lost(PEOPLE)

    def _process(self, message: PersonArray) -> None:
        with self.imus.resting():
            people = people_from_message(message)
            with self.lock:
                self._drain()
                reid = self.reidentifier.people(people)
            faults = self.reidentifier.faults
            self.monitor.absorb(faults.counts, faults.lines)
            if reid.stamp_ns == people.stamp_ns:  # otherwise the sweep came too soon to be a frame
                self._publish(people, reid)
        with self.lock:
            self.reidentifier.advance()
            self._drain()

    def _drain(self) -> None:
        """Hand the waiting samples to the `Reidentifier`; the lock is held."""
        self.reidentifier.imus(*self.imus.waiting())

    def _publish(self, people: PeopleFrame, reid: ReidFrame) -> None:
        self.assignments.publish(assignments_to_message(reid, people.frame_id))
        self.activities.publish(activities_to_message(reid, people.frame_id, self.encoders.card.labels))
        self.transforms.publish(TFMessage(transforms=wearer_transforms(people, reid)))
        if self.markers.wanted:
            self.markers.publish(name_markers(people, reid))
        states = Counter(f"wearers {item.state}" for item in reid.assignments)
        counts = {"people": len(people.people), **states}
        offsets = self.reidentifier.clock_offsets, self.reidentifier.heading_offsets
        self.monitor.processed(names_story(reid), counts, reid.latency_ms, wearer_values(reid, *offsets))

    def _calibrate(
        self, request: CalibrateWearer.Request, response: CalibrateWearer.Response
    ) -> CalibrateWearer.Response:
        self.imus.take()
        try:
            with self.lock:
                self._drain()
                wearer = self.reidentifier.calibrate(
                    request.wearer, request.pose, float(request.seconds) or SECONDS
                )
            if request.save:
                save_wearer(self.settings.nodes.wearers, wearer)
        except UserError as error:
            response.success, response.message = False, str(error)
            return response
        response.success = True
        response.message = f"{wearer.name} calibrated" + (" and saved" if request.save else "")
        response.limbs = list(wearer.sensors)
        response.mounts = [_quaternion(sensor.mount) for sensor in wearer.sensors.values()]
        return response


def wearer_transforms(people: PeopleFrame, reid: ReidFrame) -> list[TransformStamped]:
    """A frame `wearer_<name>` for every assigned wearer: at the person's centre, x ahead while walking."""
    persons = {person.track_id: person for person in people.people}
    found = []
    for assignment in reid.assignments:
        person = persons.get(assignment.track_id)
        if person is None:
            continue
        x, y, z = map(float, person.position)
        found.append(
            TransformStamped(
                header=header_of(people.stamp_ns, people.frame_id),
                child_frame_id=f"wearer_{assignment.wearer}",
                transform=Transform(
                    translation=Vector3(x=x, y=y, z=z), rotation=heading(person.velocity.tolist())
                ),
            )
        )
    return found


def _quaternion(xyzw: tuple[float, float, float, float]) -> Quaternion:
    x, y, z, w = xyzw
    return Quaternion(x=x, y=y, z=z, w=w)
