"""An installed package carries what lies beside explorer/ in a checkout: the pages and the shipped networks."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
CARRIED = ("streamlit_app.py", ".streamlit", "pages", "checkpoints")


class BuildWithApp(build_py):
    """Puts them into explorer/installed/, where `explorer.files.APP` finds them."""

    def run(self):
        super().run()
        for name in CARRIED:
            source, target = ROOT / name, Path(self.build_lib) / "explorer" / "installed" / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


setup(cmdclass={"build_py": BuildWithApp})
