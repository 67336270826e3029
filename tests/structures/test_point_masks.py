import mmcv
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmpointrend.structures import PointMasks

from ..reference import load_reference

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def points() -> PointMasks:
    """Three objects with 4, 2 and 3 points, in an image of 40 x 60."""
    rng = np.random.default_rng(0)
    coords = [rng.uniform(0, (WIDTH, HEIGHT), (count, 2)) for count in (4, 2, 3)]
    return PointMasks(coords, [[1, 0, 1, 0], [1, 0], [0, 1, 1]], HEIGHT, WIDTH)


@pytest.fixture(scope='module')
def reference() -> dict[str, dict]:
    """What detectron2 makes of the points of three objects, by the name of the case."""
    cases = load_reference('point_sup_utils')['dataset_side']
    return {case['name']: case for case in cases}


def annotated_points(case: dict) -> PointMasks:
    """The points of a reference case as they were annotated, in integer pixels."""
    coords = [torch.stack(ann['point_coords']).numpy() + 0.5 for ann in case['annotations']]
    labels = [ann['point_labels'].numpy() for ann in case['annotations']]
    return PointMasks(coords, labels, *case['in_image_size'])


# ---------------------------------------------------------------------------------- construction


def test_objects_with_fewer_points_are_padded_with_ignored_points(points):
    assert points.labels.tolist() == [[1, 0, 1, 0], [1, 0, -1, -1], [0, 1, 1, -1]]


def test_how_many_points_an_object_has_is_kept(points):
    assert points.num_points.tolist() == [4, 2, 3]
    assert points[[2, 1]].num_points.tolist() == [3, 2]
    one = PointMasks([[[1, 2]]], [[1]], HEIGHT, WIDTH)
    assert PointMasks.cat([one, points]).num_points.tolist() == [1, 4, 2, 3]
    cropped = points.flip().crop(np.array([0, 0, 1, 1])).pad((HEIGHT, WIDTH))
    assert (cropped.labels == -1).any(axis=1).all()
    assert cropped.num_points.tolist() == [4, 2, 3]


def test_dtypes_are_float32_and_int8(points):
    assert (points.coords.dtype, points.labels.dtype) == (np.float32, np.int8)


def test_points_outside_the_image_are_ignored_and_those_on_its_border_are_not():
    coords = np.array([[[0, 0], [6, 4], [-0.1, 1], [6.1, 1], [1, -0.1], [1, 4.1]]])
    assert PointMasks(coords, np.ones((1, 6)), 4, 6).labels.tolist() == [[1, 1, -1, -1, -1, -1]]


def test_an_ignored_point_may_be_nan_and_becomes_finite():
    masks = PointMasks(np.array([[[np.nan, 1], [2, 3]]]), np.array([[-1, 1]]), 4, 6)
    assert masks.coords.tolist() == [[[0, 0], [2, 3]]]


def test_input_arrays_are_not_shared():
    coords, labels = np.ones((1, 2, 2), np.float32), np.ones((1, 2), np.int8)
    masks = PointMasks(coords, labels, 4, 6)
    coords[:], labels[:] = 3, 0
    assert (masks.coords == 1).all() and (masks.labels == 1).all()


@pytest.mark.parametrize(
    ('coords', 'labels', 'message'),
    [
        (np.zeros((2, 3)), np.zeros((2, 3)), r'shape \(N, P, 2\).* got \(2, 3\)'),
        (np.zeros((2, 3, 2)), np.zeros((2, 4)), r'got \(2, 3, 2\) and \(2, 4\)'),
        (np.zeros((2, 3, 2)), np.zeros((1, 3)), 'coords of 2 objects but labels of 1'),
        ([[[1, 1]], [[1, 1, 1]]], [[1], [1]], r'object 1: .* got \(1, 3\) and \(1,\)'),
        ([[[1, 1]]], [[1, 0]], r'object 0: .* got \(1, 2\) and \(2,\)'),
        ([[[1, 1]]], [[2]], 'labels must be 1, 0 or -1, got 2'),
        (np.ones((1, 1, 2)), np.array([[0.5]]), 'got 0.5'),
        (np.ones((1, 1, 2)), np.array([[257]]), 'got 257'),
        ([[[np.nan, 1]]], [[0]], 'must be finite'),
        ([[[1, np.inf]]], [[1]], 'must be finite'),
    ],
)
def test_bad_points_are_refused(coords, labels, message):
    with pytest.raises(ValueError, match=message):
        PointMasks(coords, labels, 4, 6)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ValueError, match='height 0 and width 6'):
        PointMasks([], [], 0, 6)


# -------------------------------------------------------------------------------- as a collection


@pytest.mark.parametrize(
    ('index', 'chosen'),
    [
        (1, [1]),
        (-1, [2]),
        (np.int64(2), [2]),
        (slice(1, None), [1, 2]),
        (slice(2, None, 3), [2]),
        (np.array([2, 0, 2]), [2, 0, 2]),
        ([], []),
        (np.array([True, False, True]), [0, 2]),
        (torch.tensor([False, True, False]), [1]),
        (torch.tensor([2, 1]), [2, 1]),
    ],
)
def test_indexing_selects_objects(points, index, chosen):
    selected = points[index]
    assert selected.coords.tolist() == [points.coords[i].tolist() for i in chosen]
    assert selected.labels.tolist() == [points.labels[i].tolist() for i in chosen]


@pytest.mark.parametrize('index', [3, np.array([0, 3]), np.array([True, False])])
def test_an_index_that_does_not_fit_says_which_transforms_forget_masks(points, index):
    with pytest.raises(IndexError, match=r'3 objects.*use CachedMosaic'):
        points[index]


def test_iteration_gives_coordinates_and_labels_of_each_object(points):
    objects = list(points)
    assert len(objects) == len(points) == 3
    assert [labels.tolist() for _, labels in objects] == points.labels.tolist()
    assert [coords.tolist() for coords, _ in objects] == points.coords.tolist()


def test_cat_pads_to_the_longest_object(points):
    joined = PointMasks.cat([points, PointMasks([[[1, 2]] * 5], [[1] * 5], HEIGHT, WIDTH)])
    assert joined.labels.tolist() == [
        [1, 0, 1, 0, -1],
        [1, 0, -1, -1, -1],
        [0, 1, 1, -1, -1],
        [1, 1, 1, 1, 1],
    ]
    assert joined.coords[:3, :4].tolist() == points.coords.tolist()


def test_cat_refuses_nothing():
    with pytest.raises(ValueError, match='at least one'):
        PointMasks.cat([])


def test_cat_refuses_images_of_different_sizes(points):
    with pytest.raises(ValueError, match=r'\[\(40, 60\), \(41, 60\)\]'):
        PointMasks.cat([points, points.pad((41, 60))])


def test_cat_refuses_dense_masks(points):
    with pytest.raises(TypeError, match='PointMasks with int'):
        PointMasks.cat([points, 3])


@pytest.mark.parametrize(
    ('index', 'chosen'),
    [
        (torch.tensor([True, False, True]), [0, 2]),
        (torch.tensor([2, 0]), [2, 0]),
        (torch.tensor([False, False, False]), []),
        (1, [1]),
    ],
)
def test_instance_data_selects_objects(points, index, chosen):
    instances = InstanceData(masks=points, labels=torch.arange(3))[index]
    assert instances.masks.labels.tolist() == [points.labels[i].tolist() for i in chosen]


def test_instance_data_concatenates_objects(points):
    instances = InstanceData(masks=points)
    joined = InstanceData.cat([instances, instances]).masks
    assert joined.coords.tolist() == points.coords.tolist() * 2


def test_tensor_holds_x_y_and_label(points):
    tensor = points.to_tensor(torch.float32, 'cpu')
    assert tensor[..., :2].tolist() == points.coords.tolist()
    assert tensor[..., 2].tolist() == points.labels.tolist()


def test_array_and_tensor_agree(points):
    array = points.to_ndarray()
    assert array.dtype == np.float32
    assert array.tolist() == points.to_tensor(torch.float32, 'cpu').tolist()


@pytest.mark.parametrize('dtype', [torch.bool, torch.uint8, torch.float16, torch.bfloat16])
def test_tensor_refuses_types_that_cannot_hold_a_coordinate(points, dtype):
    with pytest.raises(TypeError, match='point-aware mask head'):
        points.to_tensor(dtype, 'cpu')


# --------------------------------------------------------------------------------------- geometry


def coordinate_image() -> np.ndarray:
    """An image (H, W, 3) whose every pixel holds the (x, y) of its centre, and 1."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) + 0.5
    return np.stack([x, y, np.ones_like(x)], axis=-1)


@pytest.mark.parametrize(
    ('move_image', 'move_points'),
    [
        pytest.param(
            lambda image: mmcv.imresize(image, (90, 64)),
            lambda points: points.resize((64, 90)),
            id='resize',
        ),
        pytest.param(
            lambda image: mmcv.imrescale(image, (101, 50)),
            lambda points: points.rescale((101, 50)),
            id='rescale to a size',
        ),
        pytest.param(
            lambda image: mmcv.imrescale(image, 1.31),
            lambda points: points.rescale(1.31),
            id='rescale by a factor',
        ),
        *(
            pytest.param(
                lambda image, direction=direction: mmcv.imflip(image, direction),
                lambda points, direction=direction: points.flip(direction),
                id=f'flip {direction}',
            )
            for direction in ('horizontal', 'vertical', 'diagonal')
        ),
        pytest.param(
            lambda image: mmcv.impad(image, shape=(50, 70)),
            lambda points: points.pad((50, 70)),
            id='pad',
        ),
        pytest.param(
            lambda image: mmcv.impad(image, padding=(7, 3, 9, 11)),
            lambda points: points.expand(HEIGHT + 14, WIDTH + 16, 3, 7),
            id='expand',
        ),
        pytest.param(
            lambda image: image[5:31, 11:57],
            lambda points: points.crop(np.array([11, 5, 57, 31])),
            id='crop',
        ),
        *(
            pytest.param(
                lambda image, way=way: mmcv.imtranslate(image, -7, way),
                lambda points, way=way: points.translate((HEIGHT, WIDTH), -7, way),
                id=f'translate {way}',
            )
            for way in ('horizontal', 'vertical')
        ),
        *(
            pytest.param(
                lambda image, way=way: mmcv.imshear(image, 0.37, way),
                lambda points, way=way: points.shear((HEIGHT, WIDTH), 0.37, way),
                id=f'shear {way}',
            )
            for way in ('horizontal', 'vertical')
        ),
        pytest.param(
            lambda image: mmcv.imrotate(image, 33),
            lambda points: points.rotate((HEIGHT, WIDTH), 33),
            id='rotate',
        ),
        pytest.param(
            lambda image: mmcv.imrotate(image, -71, center=(12.0, 30.5), scale=0.8),
            lambda points: points.rotate((HEIGHT, WIDTH), -71, center=(12.0, 30.5), scale=0.8),
            id='rotate about a point',
        ),
    ],
)
def test_points_move_with_the_pixels_of_an_image(move_image, move_points):
    """Every pixel of the moved image says where it was: a point there must come to its centre."""
    moved_image = move_image(coordinate_image())
    height, width = moved_image.shape[:2]
    centres = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5
    coords, weight = moved_image[..., :2], moved_image[..., 2]
    # Beyond the outermost centres an interpolation repeats them or mixes in what is no coordinate.
    inner = ((coords > 1) & (coords < (WIDTH - 1, HEIGHT - 1))).all(axis=-1) & (weight > 0.999)
    assert inner.sum() > 400
    coords = coords[inner][None]
    points = PointMasks(coords, np.ones(coords.shape[:2]), HEIGHT, WIDTH)
    moved = move_points(points)
    assert (moved.height, moved.width) == (height, width)
    assert (moved.labels == 1).all()
    # OpenCV rounds sampling positions to 1/32 pixel.
    np.testing.assert_allclose(moved.coords[0], centres[inner], atol=0.06)


def test_translate_in_both_directions_is_one_after_the_other(points):
    both = points.translate((70, 90), (5, -3), 'both')
    steps = points.translate((70, 90), 5, 'horizontal').translate((70, 90), -3, 'vertical')
    np.testing.assert_array_equal(both.to_ndarray(), steps.to_ndarray())


def test_mirror_and_resize_agree_with_the_reference(reference):
    case = reference['flip_resize']
    moved = annotated_points(case).flip('horizontal').resize(tuple(case['out_image_size']))
    np.testing.assert_allclose(moved.coords, case['gt_point_coords'], rtol=1e-6)
    np.testing.assert_array_equal(moved.labels, case['gt_point_labels'])


def test_crop_agrees_with_the_reference(reference):
    case = reference['crop']
    height, width = case['out_image_size']
    moved = annotated_points(case).crop(np.array([20, 10, 20 + width, 10 + height]))
    assert (moved.height, moved.width) == (height, width)
    np.testing.assert_allclose(moved.coords, case['gt_point_coords'], rtol=1e-6)
    np.testing.assert_array_equal(moved.labels, case['gt_point_labels'])


def test_points_relative_to_boxes_agree_with_the_reference():
    for case in load_reference('point_sup_utils')['get_point_coords_wrt_box']:
        coords, boxes = case['point_coords'].numpy(), case['boxes_coords']
        points = PointMasks(coords, np.ones(coords.shape[:2]), 64, 96)
        moved = points.crop_and_resize(boxes, (1, 1), torch.arange(len(boxes)))
        np.testing.assert_allclose(moved.coords, case['output'], rtol=1e-5, atol=1e-6)


def test_crop_and_resize_ignores_points_outside_the_box():
    points = PointMasks([[[5, 5], [15, 5]], [[12, 8], [1, 1]]], [[1, 0], [0, 1]], 20, 20)
    boxes = np.array([[4, 4, 8, 6], [10, 0, 20, 10], [10, 0, 20, 10]])
    moved = points.crop_and_resize(boxes, (14, 28), np.array([0, 0, 1]))
    assert moved.labels.tolist() == [[1, -1], [-1, 0], [0, -1]]
    assert moved.coords[0, 0].tolist() == [7, 7]
    assert moved.coords[2, 0] == pytest.approx([5.6, 11.2])
    assert (moved.height, moved.width) == (14, 28)


def test_crop_and_resize_survives_a_box_without_area(points):
    moved = points.crop_and_resize(np.array([[3.0, 3, 3, 3]]), (28, 28), np.array([0]))
    assert (moved.labels == -1).all()


def test_crop_is_clipped_to_the_image(points):
    moved = points.crop(np.array([-5, -5, 1000, 20]))
    assert (moved.height, moved.width) == (20, WIDTH)


def test_a_point_that_left_stays_ignored(points):
    crop = np.array([0, 0, WIDTH, HEIGHT // 2])
    cropped = points.crop(crop)
    lost = (cropped.labels == -1) & (points.labels != -1)
    assert lost.any()
    assert (cropped.expand(HEIGHT, WIDTH, 0, 0).labels[lost] == -1).all()


def test_methods_leave_the_original_alone(points):
    before = points.to_ndarray().copy()
    points.flip('diagonal')
    points.crop(np.array([10, 10, 20, 20]))
    np.testing.assert_array_equal(points.to_ndarray(), before)


@pytest.mark.parametrize('shape', [(0, 0), (0, 7), (3, 0)])
@pytest.mark.parametrize(
    'move',
    [
        lambda points: points.rescale(2.0),
        lambda points: points.resize((80, 120)),
        lambda points: points.flip('diagonal').resize((80, 120)),
        lambda points: points.pad((80, 120)),
        lambda points: points.pad((90, 130)).crop(np.array([5, 5, 125, 85])),
        lambda points: points.expand(80, 120, 3, 4),
        lambda points: points.translate((80, 120), (3, 4), 'both'),
        lambda points: points.shear((80, 120), 0.3),
        lambda points: points.rotate((80, 120), 30),
        lambda points: points.crop_and_resize(
            np.zeros((len(points), 4)), (80, 120), np.arange(len(points))
        ),
        lambda points: PointMasks.cat([points[:0], points]).pad((80, 120)),
    ],
)
def test_no_object_or_no_point_goes_through_everything(shape, move):
    moved = move(PointMasks(np.zeros((*shape, 2)), np.zeros(shape), HEIGHT, WIDTH))
    assert len(moved) == shape[0]
    assert (moved.height, moved.width) == (80, 120)
    assert moved.to_tensor(torch.float32, 'cpu').numel() == 0


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ('use', 'message'),
    [
        (lambda points: points.areas, r'FilterAnnotations\(by_mask=False\)'),
        (lambda points: points.get_bboxes(), r'RandomCrop\(recompute_bbox=False\)'),
        (lambda points: points.masks, 'leave CopyPaste, RandomErasing and Albu out'),
        (lambda points: points.to_bitmap(), 'point-aware mask head'),
    ],
)
def test_what_points_cannot_answer_says_what_to_set(points, use, message):
    with pytest.raises(NotImplementedError, match=message):
        use(points)


@pytest.mark.parametrize(
    'use',
    [
        lambda points: points.flip('sideways'),
        lambda points: points.translate((HEIGHT, WIDTH), 1, 'sideways'),
        lambda points: points.shear((HEIGHT, WIDTH), 1, 'sideways'),
    ],
)
def test_an_unknown_direction_is_refused(points, use):
    with pytest.raises(ValueError, match=r"'horizontal'.*'sideways'"):
        use(points)


def test_pad_does_not_shrink(points):
    with pytest.raises(ValueError, match='cannot pad 40 x 60 to 39 x 60'):
        points.pad((39, 60))
