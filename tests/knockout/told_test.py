#!/usr/bin/env python3
"""That told.py finds what is silent, and lets pass what is told."""
import copy
import unittest

from told import untold

ABSENT = {"absent": "excluded", "why": "filtered out"}
WARNING = {"severity": "warning", "text": "rows are missing", "hint": ""}
FILTER = {"severity": "warning", "text": "the dump's filter left out 1 pages", "hint": ""}
UNIT = {"block": 1, "sections": [1], "verdict": "blocked", "remove": {"verdict": "blocked", "text": "not yet"},
        "offline": {"verdict": "blocked", "error": "EBUSY", "free_pages": 10, "movable_pages": 5, "unmovable_pages": 3,
                    "pages_not_read": 0, "corrupt_pages": 0},
        "reasons": [{"code": "unmovable_other", "severity": "now", "count": 3}]}
NOT_READ = {"code": "not_read", "severity": "hint", "count": 3}


class Told(unittest.TestCase):
    def setUp(self):
        rows = [{"section": 0, "node": 0, "zones": ["DMA", "Normal"]}, {"section": 1, "node": 1, "zones": ["Normal"]}]
        self.whole = {"command": "sections", "notes": [], "data": rows}
        self.part = copy.deepcopy(self.whole)

    def told(self, code=5, notes=()):
        self.part["notes"] = list(notes)
        return not untold(self.whole, code, self.part)

    def test_the_same_is_told(self):
        self.assertTrue(self.told(0))
        self.assertTrue(self.told(5, [WARNING]))

    def test_nothing_differs_with_exit_0(self):
        self.part["data"][0]["node"] = ABSENT
        self.assertTrue(self.told(5))
        self.assertFalse(self.told(0))

    def test_an_answer_without_data_is_exit_3_alone(self):
        self.part = None
        self.assertEqual(untold(self.whole, 3, None), [])
        self.assertNotEqual(untold(self.whole, 4, None), [])

    def test_another_value_is_silent(self):
        self.part["data"][0]["node"] = 1
        self.assertFalse(self.told(5, [WARNING]))

    def test_not_applicable_is_another_value(self):
        self.part["data"][0]["node"] = {"absent": "not_applicable", "why": "there is none"}
        self.assertFalse(self.told(5, [WARNING]))

    def test_a_missing_row_takes_a_warning(self):
        del self.part["data"][0]
        self.assertFalse(self.told(5))
        self.assertFalse(self.told(5, [FILTER]))
        self.assertTrue(self.told(5, [WARNING]))

    def test_a_new_row_is_silent(self):
        self.part["data"].append({"section": 2, "node": 0, "zones": []})
        self.assertFalse(self.told(5, [WARNING]))

    def test_a_list_may_be_shorter_with_a_warning_and_never_other(self):
        self.part["data"][0]["zones"] = ["Normal"]
        self.assertFalse(self.told(5))
        self.assertTrue(self.told(5, [WARNING]))
        self.part["data"][0]["zones"] = ["Normal", "DMA"]
        self.assertFalse(self.told(5, [WARNING]))

    def judged(self, **changes):
        self.whole = {"command": "removable", "notes": [], "data": [UNIT]}
        self.part = copy.deepcopy(self.whole)
        unit = self.part["data"][0]
        unit["offline"].update(changes)
        return unit

    def test_pages_that_were_not_read_add_up(self):
        unit = self.judged(free_pages=8, pages_not_read=2)
        unit["reasons"].append(NOT_READ)
        self.assertTrue(self.told())
        unit = self.judged(free_pages=8, pages_not_read=1)
        unit["reasons"].append(NOT_READ)
        self.assertFalse(self.told())
        unit = self.judged(free_pages=11, unmovable_pages=2)
        unit["reasons"].append(NOT_READ)
        self.assertFalse(self.told())

    def test_a_verdict_becomes_unknown_or_stays(self):
        unit = self.judged(verdict="unknown", error=None)
        unit["verdict"] = unit["remove"]["verdict"] = "unknown"
        unit["reasons"] = [NOT_READ]
        self.assertTrue(self.told())
        unit["verdict"] = "no_blocker_found"
        self.assertFalse(self.told())

    def test_a_reason_is_kept_or_something_was_not_read(self):
        unit = self.judged()
        unit["reasons"] = []
        self.assertFalse(self.told())
        unit["reasons"] = [{**UNIT["reasons"][0], "count": 4}, NOT_READ]
        self.assertFalse(self.told())
        unit["reasons"] = [{**UNIT["reasons"][0], "count": 4, "attribution": ABSENT}, NOT_READ]
        self.assertTrue(self.told())
        unit["reasons"] = [UNIT["reasons"][0], {"code": "cma", "severity": "permanent", "count": 1}, NOT_READ]
        self.assertFalse(self.told())


if __name__ == "__main__":
    unittest.main()
