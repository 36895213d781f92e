"""Who trains, who is chosen on, who is held apart. One person is in one group, whatever the folder."""

TRAIN = (
    *(f"cmu/{subject}" for subject in "01 03 06 07 12 14 35 38 43 49 55 60 61".split()),
    *(f"reactidle/{subject}" for subject in "000 001 002 004 008 010 011 013".split()),
)
VALIDATE = ("cmu/13", "cmu/16", "reactidle/007")
TEST = ("cmu/05", "cmu/08", "cmu/39", "cmu/94", "reactidle/003", "reactidle/009", "reactidle/012")
TEST_SETS = ("hdm05", "bandai_ds2")  # whole data sets that are never trained on


def group_of(person: str) -> str:
    """"train", "validate" or "test" of a captured person ("cmu/07"); "" for one who is not used at all."""
    if person.partition("/")[0] in TEST_SETS or person in TEST:
        return "test"
    return "train" if person in TRAIN else "validate" if person in VALIDATE else ""
