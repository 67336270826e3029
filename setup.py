"""Packaging of mmpointrend; ``pip install .`` and ``pip install -e .`` both work."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# What openmim looks for below the installed package, in the folder `.mim`.
MIM_FILES = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Adds configs, tools and the model index as ``mmpointrend/.mim``.

    A wheel gets copies; an editable installation gets links, so that edits are seen at once.
    """

    def run(self) -> None:
        super().run()
        base = ROOT if self.editable_mode else Path(self.build_lib)
        folder = base / 'mmpointrend' / '.mim'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in MIM_FILES:
            if self.editable_mode:
                (folder / name).symlink_to(Path('..', '..', name))
            elif (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns('__pycache__')
                shutil.copytree(ROOT / name, folder / name, ignore=ignore)
            else:
                shutil.copy2(ROOT / name, folder / name)


setup(
    name='mmpointrend',
    version=(ROOT / 'mmpointrend' / 'version.py').read_text().split("'")[1],
    description='Point-based segmentation for MMDetection and MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmpointrend', 'mmpointrend.*']),
    cmdclass={'build_py': BuildWithMim},
    python_requires='>=3.10',
    install_requires=['torch>=2.4', 'numpy', 'pycocotools'],
    # The stack is an extra: a plugin must not replace the packages that a user already has.
    extras_require={
        'onedl': [
            'onedl-mmengine>=0.10.12',
            'onedl-mmcv>=2.3.6',
            'onedl-mmdetection>=3.5.1',
            'onedl-mmsegmentation>=1.4.2',
        ],
        'openmmlab': [
            'mmengine>=0.10.7',
            # mmdet 3.3 refuses mmcv 2.2 when it is imported, without declaring it.
            'mmcv>=2.1.0,<2.2',
            'mmdet>=3.3.0',
            'mmsegmentation>=1.2.2',
            # Imported by mmsegmentation, without declaring them.
            'ftfy',
            'regex',
        ],
        'evaluation': ['faster-coco-eval>=1.8'],
        'test': ['pytest', 'hypothesis', 'faster-coco-eval>=1.8', 'cityscapesscripts'],
        'lint': ['ruff==0.17.5'],
    },
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)
