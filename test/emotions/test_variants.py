# SPDX-License-Identifier: Apache-2.0
"""The faster variant is chosen unless one is requested; the processor's instructions are named."""

from fer_ros.emotions.classification import choose, find_model, variants
from fer_ros.emotions.classification.variants import VARIANTS
from fer_ros.errors import ConfigurationError
from fer_ros.inference.processor import instruction_set
import pytest


def test_both_variants_are_timed_and_the_faster_is_taken():
    choice = choose()
    assert list(choice.ms_per_face) == [f'fernet_{variant}' for variant in VARIANTS]
    assert all(0 < ms < 1000 for ms in choice.ms_per_face.values())
    assert choice.ms == min(choice.ms_per_face.values())
    assert choice.classifier.name in str(choice) and 'ms' in str(choice)


@pytest.mark.parametrize('slow', VARIANTS)
def test_a_slow_variant_is_not_taken(slow, monkeypatch):
    real = variants.EmotionClassifier.classify

    def slowed(self, crops):
        if self.name.endswith(slow):
            for _ in range(20):
                real(self, crops)
        return real(self, crops)
    monkeypatch.setattr(variants.EmotionClassifier, 'classify', slowed)
    assert not choose('fernet').classifier.name.endswith(slow)


@pytest.mark.parametrize('variant', VARIANTS)
def test_what_was_asked_for_is_taken_and_timed(variant):
    choice = choose(variant=variant, label_set='fer2013')
    assert choice.classifier.name == f'fernet_{variant}'
    assert choice.classifier.label_set == 'fer2013' and list(choice.ms_per_face) == [
        choice.classifier.name]


def test_a_file_leaves_nothing_to_choose():
    path = find_model('fernet_float16')
    for model in (str(path), 'fernet_float16'):
        assert list(choose(model).ms_per_face) == ['fernet_float16']
    with pytest.raises(ConfigurationError, match='variant'):
        choose(str(path), variant='int8')
    with pytest.raises(ConfigurationError, match='nowhere'):
        choose('nowhere')


@pytest.mark.parametrize('cpuinfo, expected', [
    ('flags\t\t: fpu avx avx2 avx512f avx512_vnni\n', 'AVX-512 VNNI'),
    ('flags\t\t: fpu avx avx2 avx_vnni\n', 'AVX-VNNI'), ('flags\t\t: avx2 avx\n', 'AVX2'),
    ('Features\t: fp asimd asimddp\n', 'NEON dotprod'), ('flags : fpu\n', ''), ('', '')])
def test_the_instruction_set_is_named(cpuinfo, expected):
    assert instruction_set(cpuinfo) == expected


def test_this_processor_has_one():
    assert isinstance(instruction_set(), str)
