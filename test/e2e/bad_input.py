#!/usr/bin/env python3
"""Bad input of every kind, through kubectl, raw HTTPS and the command line: each gets an error that says what, where and what to do;
nothing stored is lost, nothing hangs."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bad_machine
import bad_requests
import harness


def body(world, report):
    for module in (bad_requests, bad_machine):
        bench = module.Bench(world)
        for name in sorted((n for n in dir(bench) if n.startswith("case_")), key=lambda n: getattr(module.Bench, n).__code__.co_firstlineno):
            if world.options.only in name:
                report.step(name[5:].replace("_", " "), getattr(bench, name))
        bench.close()


if __name__ == "__main__":
    sys.exit(harness.main(__doc__, "bad", body))
