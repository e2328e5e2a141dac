#!/usr/bin/env python3
"""tools/check_tree finds each kind of breach, and only those."""
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LOADER = importlib.machinery.SourceFileLoader("check_tree", os.path.join(HERE, "../../tools/check_tree"))
TREE = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_tree", LOADER))
LOADER.exec_module(TREE)


def found_in(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(text)
        return TREE.check(root)


class CheckTree(unittest.TestCase):
    def breaks(self, path, text, part):
        found = found_in(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def holds(self, path, text):
        self.assertEqual(found_in(path, text), [])

    def test_top_level(self):
        self.breaks("cmake/a.cmake", "", "is in a new folder at the top")
        self.holds("packaging/cmake/a.cmake", "")

    def test_layers(self):
        self.breaks("actors/a.cpp", '#include "drivers/x.hpp"\n', "actors/ may not include")
        self.breaks("drivers/a.cpp", '#include "actors/base/context.hpp"\n', "drivers/ may not include")
        self.breaks("sim/a.cpp", '#include "drivers/x.hpp"\n', "sim/ may not include")
        self.breaks("schema/a.cpp", '#include "actors/x.hpp"\n', "schema/ may not include")
        self.holds("drivers/a.cpp", '#include "actors/ports/kv.hpp"\n#include <thread>\n')
        self.breaks("drivers/a.cpp", "#include <actors/base/context.hpp>\n", "drivers/ may not include")
        self.holds("tools/a.cpp", '#include "drivers/x.hpp"\n')
        self.holds("drivers/a.cpp", '#include "beside.hpp"\n#include <sys/socket.h>\n')

    def test_forbidden_calls(self):
        for call in ("std::thread t;", "std::getenv(\"X\");", "auto t = std::chrono::steady_clock::now();", "std::ofstream f;",
                     "std::random_device d;", "rand();", "auto s = socket(1, 2, 3);", "std::filesystem::path p;",
                     "static store& instance();", "std::printf(\"x\");", "int f = ::open(p, 0);"):
            self.breaks("actors/a.cpp", call + "\n", "alone")
            self.holds("tools/a.cpp", call + "\n")
        self.holds("actors/a.cpp", "// std::thread is not for us\nauto s = \"getenv(\";\nstd::snprintf(b, 1, f);\nkv.open(x);\n")

    def test_sizes(self):
        self.breaks("actors/a.cpp", "int x;\n" * 401, "401 lines")
        body = "  f(1);\n" * 80
        self.breaks("actors/a.cpp", "namespace a {\nclass c {\nvoid g(int a) const {\n" + body + "}\n};\n}\n", "function g has 82")
        self.holds("actors/a.cpp", "namespace a {\nstruct s {\n" + "  int a = f(1);\n" * 80 + "};\n}\n")
        self.breaks("tools/x.py", "def g():\n" + "    f()\n" * 80, "function g has 81")

    def test_order_by_address(self):
        self.breaks("sim/a.hpp", "#pragma once\nstd::map<const node*, int> m;\n", "ordered by address")
        self.holds("sim/a.hpp", "#pragma once\nstd::map<int, node*> m;\n")

    def test_left_overs(self):
        self.breaks("actors/a.cpp", "// " + "TO" + "DO: later\n", "left over")
        self.breaks("docs/a.md", "see /" + "home/me/x\n", "left over")
        self.breaks("actors/a.cpp", "<" * 7 + " HEAD\n", "left over")
        self.breaks("actors/a.hpp", "int x;\n", "#pragma once")


if __name__ == "__main__":
    unittest.main()
