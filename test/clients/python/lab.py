"""What the Python scripts share: where to work (JSON on stdin), operations by name, one JSON line for each."""
import json
import random
import sys
import traceback


class NotApplicable(Exception):
    """The client has no such thing, or cannot do it anywhere; the message is the reason."""


class Lab:
    def __init__(self):
        self.where = json.load(sys.stdin)
        self._operations = []

    def __getattr__(self, name):
        try:
            return self.where[name]
        except KeyError:
            raise AttributeError(name) from None

    def operation(self, name):
        def take(work):
            self._operations.append((name, work))
            return work

        return take

    def cannot(self, name, reason):
        @self.operation(name)
        def _():
            raise NotApplicable(reason)

    def run(self):
        for name, work in self._operations:
            result = {"operation": name, "outcome": "pass"}
            try:
                work()
            except NotApplicable as reason:
                result.update(outcome="n/a", reason=str(reason))
            except Exception as error:
                line = traceback.extract_tb(error.__traceback__)[1].lineno
                text = " ".join(str(error).split())
                result.update(outcome="fail", reason=f"line {line}: {type(error).__name__}: {text}"[:1500])
                traceback.print_exc()
            print(json.dumps(result), flush=True)


def same(seen, expected, what=""):
    if seen != expected:
        raise AssertionError(f"{what}: {shown(seen)} instead of {shown(expected)}")


def shown(value):
    text = repr(value)
    return text if len(text) < 300 else f"{text[:140]}...({len(value)})"


def refused(error_type, work, check=lambda error: True):
    """`work` raises an error of this type that `check` is content with."""
    try:
        work()
    except error_type as error:
        if not check(error):
            raise AssertionError(f"another refusal: {type(error).__name__} {error}") from error
        return error
    raise AssertionError("it was not refused")


def some_bytes(length, seed=1):
    """Pseudorandom, the same for the same seed."""
    return random.Random(seed).randbytes(length)
