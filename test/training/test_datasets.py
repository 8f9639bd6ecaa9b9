# SPDX-License-Identifier: Apache-2.0
from fer_ros.emotions.labels import LABELS
import numpy as np
import pytest
from training import datasets, duplicates, generated
from training.datasets import Dataset, DatasetError, FERPLUS_COLUMNS
from training_support import photographs, write_csv, write_folders


def test_csv_comes_back_as_written(tmp_path, splits):
    loaded = datasets.load(write_csv(tmp_path, splits))
    assert set(loaded) == {'train', 'public'}
    for name, dataset in splits.items():
        np.testing.assert_array_equal(loaded[name].images, dataset.images)
        np.testing.assert_array_equal(loaded[name].labels, dataset.labels)
        np.testing.assert_array_equal(loaded[name].votes, dataset.votes)


def test_csv_by_its_own_path_and_without_votes(tmp_path, splits):
    write_csv(tmp_path, {'private': splits['public']}, votes=False)
    loaded = datasets.load(tmp_path / 'fer2013.csv')
    assert list(loaded) == ['private']
    assert loaded['private'].votes is None


def test_folders_come_back_as_written(tmp_path, splits):
    loaded = datasets.load(write_folders(tmp_path, {'train': splits['train'],
                                                    'test': splits['public']}))
    for name, source in (('train', 'train'), ('test', 'public')):
        order = np.argsort(splits[source].labels, kind='stable')
        np.testing.assert_array_equal(loaded[name].images, splits[source].images[order])
        np.testing.assert_array_equal(loaded[name].labels, splits[source].labels[order])


def test_folders_of_another_size_are_resized(tmp_path, splits):
    big = np.repeat(np.repeat(splits['public'].images, 2, axis=1), 2, axis=2)
    dataset = Dataset(big, splits['public'].labels, None, splits['public'].names)
    loaded = datasets.load(write_folders(tmp_path, {'test': dataset}, '.jpg'))
    assert loaded['test'].images.shape == (28, 48, 48)


ROW = ' '.join(['7'] * 2304)


@pytest.mark.parametrize('text, message', [
    ('', 'expected the columns emotion,pixels,Usage, found none'),
    ('a,b\n1,2\n', "found 'a', 'b'"),
    ('emotion,pixels,Usage\n', 'no rows'),
    (f'emotion,pixels,Usage\n8,{ROW},Training\n', 'csv:2.*emotion 8'),
    (f'emotion,pixels,Usage\n-1,{ROW},Training\n', 'csv:2.*emotion -1'),
    (f'emotion,pixels,Usage\nhappy,{ROW},Training\n', 'csv:2: not a FER2013 row'),
    (f'emotion,pixels,Usage\n0,{ROW},Training\n0,{ROW} 7,Training\n', 'csv:3: 2305 pixels'),
    (f'emotion,pixels,Usage\n0,{ROW[:-2]},Training\n', '2303 pixels'),
    (f'emotion,pixels,Usage\n0,{ROW[:-1]}256,Training\n', 'pixels from 7 to 256'),
    (f'emotion,pixels,Usage\n0,{ROW[:-1]}-1,Training\n', 'pixels from -1'),
    (f'emotion,pixels,Usage\n0,{ROW[:-1]}x,Training\n', 'pixel is not a number'),
    (f'emotion,pixels,Usage\n0,{ROW},Validation\n', "KeyError\\('Validation'\\)"),
    ('emotion,pixels,Usage\n0\n', 'csv:2: not a FER2013 row'),
    ('\x00\xff\x13binary', 'expected the columns')])
def test_a_bad_csv_says_what_is_wrong_where(tmp_path, text, message):
    (tmp_path / 'fer2013.csv').write_text(text, encoding='latin-1')
    with pytest.raises(DatasetError, match=message):
        datasets.load(tmp_path)


@pytest.mark.parametrize('text, message', [
    ('Usage,neutral\n', 'FER\\+ columns missing: NF, anger'),
    (','.join(FERPLUS_COLUMNS) + '\n' + ','.join('1' * 10) + '\n', 'has 1 rows, .* has 28'),
    (','.join(FERPLUS_COLUMNS) + '\n' + ','.join('x' * 10) + '\n', 'not a number')])
def test_bad_votes_say_what_is_wrong(tmp_path, splits, text, message):
    write_csv(tmp_path, {'public': splits['public']})
    (tmp_path / 'fer2013new.csv').write_text(text)
    with pytest.raises(DatasetError, match=message):
        datasets.load(tmp_path)


def test_missing_and_empty_folders_say_what_was_expected(tmp_path, splits):
    with pytest.raises(DatasetError, match='is not a folder: expected fer2013.csv'):
        datasets.load(tmp_path / 'nowhere')
    with pytest.raises(DatasetError, match='holds neither: expected fer2013.csv'):
        datasets.load(tmp_path)
    (tmp_path / 'train' / 'angry').mkdir(parents=True)
    with pytest.raises(DatasetError, match='disgust is missing'):
        datasets.load(tmp_path)
    for emotion in LABELS:
        (tmp_path / 'train' / emotion).mkdir(exist_ok=True)
    with pytest.raises(DatasetError, match='no .png or .jpg image'):
        datasets.load(tmp_path)
    (tmp_path / 'train' / 'angry' / 'a.png').write_text('no picture')
    with pytest.raises(DatasetError, match='a.png: cannot be decoded.*not a readable image'):
        datasets.load(tmp_path)


def test_votes_become_soft_targets():
    #               neu hap sur sad ang dis fea con unk NF
    votes = np.array([[0, 8, 2, 0, 0, 0, 0, 0, 0, 0],    # shared
                      [0, 9, 1, 0, 0, 0, 0, 0, 0, 0],    # a single vote is a slip
                      [0, 0, 0, 4, 0, 0, 0, 0, 4, 2],    # 'unknown' and 'no face' weaken
                      [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]], np.float32)
    targets, weights = datasets.ferplus_targets(votes)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(targets[0, [3, 5]], [0.8, 0.2])
    assert targets[1, 3] == 1
    assert targets[2, 4] == 1
    np.testing.assert_allclose(weights, [1, 0.9, 0.4, 0])


def test_the_held_out_part_is_stratified_disjoint_and_follows_the_seed(splits):
    rest, held = datasets.split_holdout(splits['train'], 0.25, 5)
    assert not set(rest.names) & set(held.names)
    assert set(rest.names) | set(held.names) == set(splits['train'].names)
    assert (np.bincount(held.labels) == 3).all()
    assert datasets.split_holdout(splits['train'], 0.25, 5)[1].names == held.names
    assert datasets.split_holdout(splits['train'], 0.25, 6)[1].names != held.names


def test_exact_and_near_copies_are_found_and_others_are_not():
    images = photographs(12)
    near = np.clip(images[3] * 0.7 + 30, 0, 255).astype(np.uint8)       # toned
    blank = np.full((48, 48), 9, np.uint8)
    second = np.stack([images[0], near, images[5][:, ::-1], blank, 255 - images[1]])
    pairs = duplicates.find(np.concatenate([images, blank[None]]), second)
    assert [*zip(pairs.first, pairs.second, pairs.exact)] == [
        (0, 0, True), (3, 1, False), (5, 2, False), (12, 3, True)]


def test_copies_within_a_set_are_pairs_once():
    images = photographs(12)[[*range(12), 4]]
    pairs = duplicates.find(images)
    assert [*zip(pairs.first, pairs.second)] == [(4, 12)]


def test_training_leaves_out_what_other_splits_have():
    images = photographs(12)
    train = Dataset(images, np.zeros(12, np.int64), None, tuple(map(str, range(12))))
    toned = (images[7] // 2 + 60)[None].astype(np.uint8)
    other = Dataset(np.concatenate([images[2:3], toned]), np.zeros(2, np.int64), None,
                    ('a', 'b'))
    rest, exact, near = duplicates.without_copies(train, [other])
    assert (exact, near) == (1, 1)
    assert set(train.names) - set(rest.names) == {'2', '7'}


def test_generated_faces_follow_the_seed():
    first, again, other = generated.faces(14, 1), generated.faces(14, 1), generated.faces(14, 2)
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any()
    assert (first.votes.sum(axis=1) == 10).all()
    assert len(generated.faces(0)) == 0


@pytest.mark.parametrize('name, header, mark', [
    ('fer2013.csv', 'emotion,pixels,Usage', '\ufeff'),
    ('icml_face_data.csv', 'emotion, Usage, pixels', ''),
    ('icml_face_data.csv', '\ufeffemotion, Usage, pixels', '')])
def test_csv_files_as_people_have_them(tmp_path, caplog, name, header, mark):
    columns = [column.strip('\ufeff ') for column in header.split(',')]
    rows = [{'emotion': str(label), 'pixels': ROW, 'Usage': 'Training'} for label in (0, 7, 6)]
    text = mark + '\n'.join([header, *(','.join(row[column] for column in columns)
                                       for row in rows)])
    (tmp_path / name).write_text(text, encoding='utf-8')
    for path in (tmp_path, tmp_path / name):
        assert datasets.load(path)['train'].labels.tolist() == [0, 6]
    assert '1 rows of an eighth class skipped' in caplog.text


def test_the_cases(shared):
    folder = shared / 'cases' / 'fer2013'
    if not folder.exists():
        pytest.skip('no research data: the cases')
    for path in (folder / 'bom', folder / 'icml', folder / 'icml' / 'icml_face_data.csv'):
        assert {name: len(one) for name, one in datasets.load(path).items()} == {
            'private': 7, 'public': 7, 'train': 7}


def test_folders_as_people_have_them(tmp_path, splits, caplog):
    write_folders(tmp_path, {'train': splits['train'], 'validation': splits['public']})
    for split in ('train', 'validation'):
        (tmp_path / split / 'happy').rename(tmp_path / split / 'Happy')
        (tmp_path / split / 'sad').rename(tmp_path / split / 'Sadness')
        (tmp_path / split / 'contempt').mkdir()
    loaded = datasets.load(tmp_path)
    assert set(loaded) == {'train', 'test'}
    assert len(loaded['train']) == len(splits['train'])
    assert sorted(loaded['train'].labels) == sorted(splits['train'].labels)
    assert 'contempt skipped' in caplog.text
    (tmp_path / 'test').symlink_to(tmp_path / 'validation')
    assert set(datasets.load(tmp_path)) == {'train', 'public', 'test'}
    (tmp_path / 'train' / 'anger').mkdir()
    with pytest.raises(DatasetError, match='anger .*are both angry|angry.*are both angry'):
        datasets.load(tmp_path)
