"""Evaluation: each number is that of the measure it is named after, and travels with what it depends on."""

import json
import types
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import coded_gan, quarters_classifier, quarters_gan, small_gan, small_images

import kerasgan
from kerasgan import callbacks, evaluation, features, metrics
from kerasgan.metrics import Score


def averages(classes=False):
    """Features of 8x8 images: the means of the four quarters; and, if asked for, probabilities made of them."""
    images = keras.Input((8, 8, 1))
    means = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(images))
    if not classes:
        return keras.Model(images, means, name="averages")
    outputs = {"features": means, "probabilities": keras.layers.Softmax()(means)}
    return features.Extractor("averages", keras.Model(images, outputs), ("a", "b", "c", "d"))


@pytest.fixture(scope="module")
def gan():
    gan = small_gan()
    gan.fit(small_images(), batch_size=16, verbose=0)
    return gan


def real_images(n=300, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)


def test_every_score_is_its_measures(gan, tmp_path):
    real = real_images()
    np.savez(tmp_path / "real.npz", images=real)
    report = evaluation.evaluate(
        gan, str(tmp_path / "real.npz"), "train[:200]", "train[200:]", n=50, features=averages(classes=True), seed=7
    )
    quarters = [x.reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4) for x in (real[:50] / 255.0, gan.generate(50, 7))]
    fcd = report.scores["fcd"]
    assert (fcd.n_real, fcd.n_fake, fcd.features, fcd.seed, fcd.error) == (50, 50, "averages", 7, None)
    assert fcd.value == pytest.approx(metrics.frechet_distance(*quarters), rel=1e-4)
    kid, error = metrics.kernel_distance(*quarters, block=25)
    assert (report.scores["kid"].value, report.scores["kid"].error) == (
        pytest.approx(kid, abs=1e-5),
        pytest.approx(error, abs=1e-5),
    )
    for name, value in (metrics.precision_recall(*quarters) | metrics.density_coverage(*quarters)).items():
        assert report.scores[name].value == pytest.approx(value, abs=0.021), name
    parzen = metrics.parzen_log_likelihood(gan.generate(50, 7), real[200:] / 255.0, real[:50] / 255.0)
    assert report.scores["parzen_nats"].value == pytest.approx(parzen["nats"], rel=1e-4)
    _, distances = metrics.nearest_neighbours(gan.generate(50, 7), real[200:] / 255.0)
    assert report.scores["nearest_training_image"].value == pytest.approx(distances.mean(), rel=1e-4)
    probabilities = np.exp(quarters[1]) / np.exp(quarters[1]).sum(1, keepdims=True)
    assert report.scores["classifier_score"].value == pytest.approx(metrics.inception_score(probabilities)[0], rel=1e-4)
    counts = np.bincount(probabilities.argmax(1), minlength=4)
    assert report.class_shares == {name: pytest.approx(count / 50) for name, count in zip("abcd", counts, strict=True)}

    training = real[200:250].reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4) / 255.0
    assert report.reference["fcd"].value == pytest.approx(metrics.frechet_distance(quarters[0], training), rel=1e-3)
    assert report.reference["fcd"].seed is None
    assert set(report.losses) >= {"d_loss", "g_loss", "value", "jsd"}

    written = report.write(tmp_path / "report.json", command="this")
    assert [path.name for path in written] == ["report.json", "report.png"]
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["command"] == "this"
    assert content["scores"]["fcd"]["value"] == fcd.value
    assert content["scores"]["fcd"]["n_fake"] == 50
    assert f"{fcd.value:.4g}" in report.table()


def test_real_samples_that_were_trained_on_are_noticed(gan):
    real = real_images(100)
    options = {"features": averages(), "n": 40}
    with pytest.warns(
        UserWarning, match=r"10 of the 40 real samples \(split 'train\[30:70\]'\) are samples of training_split"
    ):
        evaluation.evaluate(gan, real, "train[30:70]", "train[60:]", **options)
    with pytest.warns(UserWarning, match="40 of the 40 real samples"):
        evaluation.evaluate(gan, real, **options)  # as of a folder, which has one split
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation.evaluate(gan, real, "train[60:]", "train[:60]", **options)


def test_a_network_of_a_class_of_its_own_scores(gan):
    """As one does that says its shapes. Of fewer images than features the Fréchet distance is finite, and comes with a
    warning.
    """

    class Means(keras.Model):
        def call(self, images):
            return averages()(images)

    real = real_images(60)
    scores = evaluation.evaluate(gan, real, "train[:30]", "train[30:]", features=Means(name="means")).scores
    expected = evaluation.evaluate(gan, real, "train[:30]", "train[30:]", features=averages()).scores
    assert (scores["fcd"].features, scores["fcd"].value) == ("means", expected["fcd"].value)

    class Pixels(keras.Model):
        def call(self, images):
            return keras.ops.reshape(images, (-1, 64))

    report = evaluation.evaluate(gan, real, "train[:30]", "train[30:]", features=Pixels(name="many"))
    [said] = report.left_out
    assert said.startswith("fcd of 30 samples on 64 features is far too large; it compares with others of as many")
    rows = [x.reshape(-1, 64) for x in (real[:30] / 255.0, gan.generate(30), real[30:] / 255.0)]
    # By the root of the product of both covariances, of which all but 29 eigenvalues are 0.
    means, covariances = [x.mean(0) for x in rows[:2]], [np.cov(x.T) for x in rows[:2]]
    roots = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
    expected = ((means[0] - means[1]) ** 2).sum() + sum(map(np.trace, covariances)) - 2 * roots
    assert report.scores["fcd"].value == pytest.approx(expected, rel=1e-3)
    assert report.scores["kid"].value == pytest.approx(metrics.kernel_distance(*rows[:2], block=15)[0], abs=1e-5)
    halves = [rows[0][::2], rows[0][1::2]]
    assert (report.halves["fcd"].n_real, report.halves["fcd"].n_fake, report.halves["fcd"].seed) == (15, 15, None)
    assert report.halves["fcd"].value == pytest.approx(metrics.frechet_distance(*halves, few=True), rel=1e-4)
    assert report.halves["kid"].value == pytest.approx(metrics.kernel_distance(*halves, block=7)[0], abs=1e-5)
    assert "real images, one half against the other (15/15): fcd" in report.table()


def test_grey_pictures_are_not_taken_for_clothes():
    """28x28 and grey is no sign of Fashion-MNIST; its name is."""
    gan = kerasgan.create_model("vanilla_gan", generator_units=8, discriminator_units=4)
    digits = np.zeros((80, 28, 28, 1), np.uint8)
    report = evaluation.evaluate(gan, digits[:40], "train[:20]", "train[20:]")
    assert report.features == report.scores["kid"].features == "efficientnet_lite0"
    assert report.class_shares is None
    assert "classifier_score" not in report.scores
    assert np.isfinite([score.value for score in report.scores.values()]).all()
    assert evaluation.Judge(digits, dataset="fashion_mnist:3.0.1").name == "fashion_mnist_classifier"
    assert evaluation.Judge(digits, dataset="mnist").name == "mnist_classifier"
    assert evaluation.Judge(digits[:20], dataset="kmnist").name == "efficientnet_lite0"
    with pytest.raises(ValueError, match="without training images has none to score or to look among"):
        evaluation.Judge(digits, features="fashion_mnist_classifier").nearest(digits / 255.0, None)


def test_what_needs_no_features_is_scored_where_there_are_none(gan, monkeypatch, tmp_path):
    """Too small for any of the usual ones; and Inception's cannot be downloaded."""

    def unavailable(weights):
        raise OSError("no route to host")

    monkeypatch.setattr(keras.applications, "InceptionV3", unavailable)
    real = real_images(60)
    for asked, reason in ((None, "There are no features for images 8 x 8 x 1"), ("inception", "no route to host")):
        report = evaluation.evaluate(gan, real, "train[:30]", "train[30:]", features=asked)
        assert set(report.scores) == set(report.reference) == {"parzen_nats", "nearest_training_image"}
        [said] = report.left_out
        assert said.startswith("No scores of features, such as fcd, kid, precision and recall: ")
        assert reason in said
        assert (report.features, report.halves) == (None, {})
        _, distances = metrics.nearest_neighbours(gan.generate(30), real[30:] / 255.0)
        assert report.scores["nearest_training_image"].value == pytest.approx(distances.mean(), rel=1e-4)
        assert report.nearest[0].endswith("nearest to it in pixels")
        report.write(tmp_path / "report.json")
        assert json.loads((tmp_path / "report.json").read_text())["left_out"] == [said]
        assert said in report.table()


def test_the_nearest_training_images_go_by_features(monkeypatch):
    """Of quarters: an image of the same means in other places of its quarters is nearer than one of the same pixels but
    a shade darker. With more training images than are searched, those nearest in pixels are compared too.
    """
    rng = np.random.default_rng(0)
    sample = rng.random((1, 8, 8, 1))
    quarters = sample.reshape(2, 4, 2, 4).transpose(0, 2, 1, 3).reshape(4, 16)
    moved = quarters[:, ::-1].reshape(2, 2, 4, 4).transpose(0, 2, 1, 3).reshape(1, 8, 8, 1)
    training = np.concatenate([rng.random((20, 8, 8, 1)) * 0.2, moved, 0.8 * sample, 0.7 * sample])
    judge = evaluation.Judge(rng.random((20, 8, 8, 1)), training, averages())
    found, how = judge.nearest_images(sample)
    np.testing.assert_allclose(found[0], training[[20, 21, 22]])
    assert how == "in the features averages"
    found, how = evaluation.Judge(rng.random((20, 8, 8, 1)), training, False).nearest_images(sample)
    np.testing.assert_allclose(found[0, :2], training[[21, 22]])
    assert how == "in pixels"
    monkeypatch.setattr(evaluation.judge, "SEARCHED", 3)
    found, how = evaluation.Judge(rng.random((20, 8, 8, 1)), training, averages()).nearest_images(sample)
    np.testing.assert_allclose(found[0], training[[20, 21, 22]])
    assert "among 3 of the 23 training images and those nearest in pixels" in how


def test_the_same_evaluation_gives_the_same_numbers(gan):
    options = {"split": "train[:64]", "training_split": "train[64:]", "n": 32, "features": averages()}
    first, second = (evaluation.evaluate(gan, real_images(128), **options) for _ in range(2))
    assert first.scores == second.scores
    assert "classifier_score" not in first.scores
    assert first.class_shares is None


def test_codes_are_scored_by_the_test_images_labels(tmp_path):
    """`coded_gan` reads what its samples hold, so with the categories for labels it is always right."""
    gan = coded_gan()
    samples = gan.generate(60)
    labels = samples[:, 2:5].argmax(1)
    np.savez(tmp_path / "samples.npz", images=samples, labels=(labels + 1) % 3)
    report = evaluation.evaluate(gan, str(tmp_path / "samples.npz"))
    accuracy = report.scores["code_accuracy"]
    assert (accuracy.value, accuracy.n_real, accuracy.features) == (1.0, 60, "codes")
    assert report.losses["mutual_information_categorical_0"] == pytest.approx(np.log(3), abs=0.01)
    assert report.reference == {}  # training and test split are one and the same
    assert report.page is None  # seven numbers have no picture


COUNTS = {"a": 30, "b": 20, "c": 8, "d": 4}  # of the 62 images that are scored against


@pytest.fixture
def labelled_images(tmp_path):
    """An `.npz` of 62 images and then 138 others, with labels; their brightest quarter is that of the label in all but
    each fifth image, where it is the next one.
    """
    labels = np.concatenate([np.repeat(range(4), list(COUNTS.values())), np.arange(138) % 4])
    rng = np.random.default_rng(0)
    quarters = rng.integers(0, 60, (200, 4))
    quarters[np.arange(200), (labels + (np.arange(200) % 5 == 0)) % 4] += 150
    images = quarters.reshape(200, 2, 2).repeat(4, 1).repeat(4, 2)[..., None].astype(np.uint8)
    path = tmp_path / "labelled.npz"
    np.savez(path, images=images, labels=labels, class_names=list("abcd"))
    return path, quarters / 255.0, labels


def means_of_quarters(images):
    return images.reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4)


def test_a_conditional_model_is_scored_class_by_class(labelled_images, tmp_path):
    """Samples are of the class asked for, but those of "d" only where the noise says so: see `quarters_gan`."""
    path, quarters, labels = labelled_images
    shares = (0.1, 0.2, 0.3, 0.4)
    gan = quarters_gan(shares=shares)
    report = evaluation.evaluate(gan, path, "train[:62]", "train[62:]", features=quarters_classifier(), seed=3)

    z = gan.latent.from_seeds(np.arange(3, 65)).numpy()
    asked = z[:, 2:].argmax(1)
    right = (asked != 3) | (z[:, 0] > 0)
    accuracy = report.scores["label_accuracy"]
    assert (accuracy.value, accuracy.n_fake, accuracy.seed) == (pytest.approx(right.mean()), 62, 3)
    assert accuracy.error == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 62))
    assert 0.5 < right.mean() < 1
    assert report.reference["label_accuracy"].value == pytest.approx(np.mean(np.arange(62) % 5 > 0))

    assert [report.classes[name]["share_asked"] for name in "abcd"] == pytest.approx(shares)
    of_noise = gan.latent.from_seeds(np.arange(3, 33)).numpy()[:, 0]
    for label, (name, count) in enumerate(COUNTS.items()):
        found, rows = report.classes[name], labels[:62] == label
        drawn = max(count, 62 // 4)
        expected = 1.0 if name != "d" else np.mean(of_noise[:drawn] > 0)
        assert (found["accuracy"].value, found["accuracy"].n_fake) == (pytest.approx(expected), drawn), name
        assert found["reference"]["accuracy"].value == pytest.approx(np.mean(np.flatnonzero(rows) % 5 > 0))
        if count <= 4:
            assert "fcd" not in found
            continue
        fake = means_of_quarters(gan.generate(count, 3, labels=name))
        assert found["fcd"].value == pytest.approx(metrics.frechet_distance(quarters[:62][rows], fake), rel=1e-4)
        assert (found["fcd"].n_real, found["fcd"].n_fake, found["fcd"].seed) == (count, count, 3)
        training = quarters[62:][labels[62:] == label][:count]
        expected = metrics.frechet_distance(quarters[:62][rows], training)
        assert found["reference"]["fcd"].value == pytest.approx(expected, rel=1e-4)
    assert report.left_out == (
        "No fcd of d (4): as many real samples as stand in brackets are too few for the 4 features of quarters.",
    )
    pairs = (quarters[:62].reshape(-1, 2, 2).repeat(4, 1).repeat(4, 2)[..., None] * 2 - 1, labels[:62])
    by_hand = gan.evaluate(tf.data.Dataset.from_tensor_slices(pairs).batch(62), return_dict=True, verbose=0)
    assert report.losses == pytest.approx(by_hand, rel=1e-3)

    report.write(tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["classes"]["b"]["fcd"]["value"] == report.classes["b"]["fcd"].value
    assert content["classes"]["b"]["reference"]["accuracy"]["n_fake"] == 20
    assert content["left_out"] == list(report.left_out)
    lines = report.table().splitlines()
    [row] = [line.split() for line in lines if line.startswith("b ")]
    assert row[:3] == ["b", "20.0%", "1"]
    assert row[-1] == "20/20"
    assert lines[-1] == report.left_out[0]


def test_what_cannot_be_scored_of_a_conditional_model_is_left_out(labelled_images):
    path, _, _ = labelled_images
    gan = quarters_gan()
    options = {"split": "train[:62]", "training_split": "train[62:]"}
    report = evaluation.evaluate(gan, path, features=quarters_classifier(classes=None), **options)
    assert report.left_out[0] == "No label accuracy: the features quarters come without a classifier."
    assert "label_accuracy" not in report.scores
    assert set(report.classes["a"]) == {"share_asked", "fcd", "reference"}
    assert set(report.classes["d"]) == {"share_asked"}
    assert report.table()

    others = quarters_classifier(("a", "b", "c", "e"))
    report = evaluation.evaluate(gan, path, features=others, **options)
    assert report.left_out[0] == (
        "No label accuracy: quarters tells apart 4 classes (a, b, c, e), and the model's are 4 others (a, b, c, d)."
    )

    images = np.load(path)["images"]
    report = evaluation.evaluate(gan, images, features=quarters_classifier(), **options)
    assert report.left_out == ("No losses and no distances of classes from the array: it has no labels.",)
    assert report.losses == {}
    assert report.scores["label_accuracy"].n_fake == 62
    assert report.classes["a"]["accuracy"].n_fake == 15
    assert set(report.classes["a"]) == {"share_asked", "accuracy"}
    assert report.table()

    with pytest.raises(
        ValueError, match=r"has 4 classes \(a, b, c, d\), the model has 4 \(a, b, d, c\).*class 2 is 'c'"
    ):
        evaluation.evaluate(quarters_gan(names=list("abdc")), path, features=quarters_classifier(), **options)


def test_classes_are_compared_by_name_and_by_number_where_there_is_none():
    """A model that learnt the classes in another order; one whose classes have no names; and those that are others."""
    classifier = quarters_classifier(("ant", "bee", "cat", "dog"))
    assert classifier.places_of(("dog", "ant", "cat", "bee")).tolist() == [3, 0, 2, 1]
    assert classifier.places_of(("0", "1", "2", "3")).tolist() == [0, 1, 2, 3]
    assert quarters_classifier(()).places_of(("x", "y", "z", "w")).tolist() == [0, 1, 2, 3]
    for others in (("ant", "bee", "cat"), ("ant", "bee", "cat", "emu"), ("0", "1", "2")):
        with pytest.raises(ValueError, match="quarters tells apart 4 classes"):
            classifier.places_of(others)


def test_the_shipped_classifier_knows_the_classes_of_its_dataset(fashion_mnist):
    names = kerasgan.data.classes_of(fashion_mnist)
    assert features.get("fashion_mnist_classifier", (28, 28, 1)).places_of(names).tolist() == list(range(10))


def test_the_page_of_a_conditional_model_has_a_row_for_each_class(monkeypatch, labelled_images):
    drawn = []
    monkeypatch.setattr(evaluation.plots, "page", lambda sections: drawn.extend(sections) or np.zeros((2, 2, 1)))
    gan = quarters_gan()
    options = {"split": "train[:62]", "training_split": "train[62:]", "features": quarters_classifier(), "seed": 4}
    evaluation.evaluate(gan, labelled_images[0], **options)
    titles = [title for title, _ in drawn]
    assert titles[1] == "A row for each class, of the seeds from 4 on"
    assert drawn[1][1].shape[0] == 4 * 2 * 10 - 2 * 2  # four rows of 8 pixels and a gap of 2, twice as large


def test_points_are_their_own_features():
    gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=8, discriminator_units=4)
    report = evaluation.evaluate(gan, "ring", n=200)
    assert report.split == "test"
    assert report.scores["frechet_distance"].features == "coordinates"
    assert report.scores["modes"].value < 8
    assert report.reference["modes"].value == 8
    assert "parzen_nats" not in report.scores
    assert report.page.ndim == 3


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (real_images(10), {}, "10 real samples are too few: scores need more than 10"),
        (real_images(), {"features": "inception"}, "The features inception are of images"),
        (
            np.zeros((90, 9, 9, 3), np.uint8),
            {},
            "the array holds images of 9 x 9 x 3, the model makes 8 x 8 x 1. If it",
        ),
        (real_images(), {"split": "test"}, "the array has one split, 'train'"),
        ("nowhere.npz", {}, "There is no file nowhere.npz"),
        (np.zeros((9, 3), np.float32), {}, r"holds points of shape \(3,\), the model takes \(8, 8, 1\)"),
    ],
)
def test_what_cannot_be_evaluated(gan, dataset, options, message, monkeypatch):
    inception = features.Extractor("inception", keras.Sequential([keras.Input((None, None, 3)), keras.layers.ReLU()]))
    monkeypatch.setattr(features, "_load", lambda _: inception)
    with pytest.raises(ValueError, match=message):
        evaluation.evaluate(gan, dataset, **{"features": averages(), **options})


def test_other_sizes_on_request(gan):
    large = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    report = evaluation.evaluate(gan, large, features=averages(), resize=True)
    assert report.scores["fcd"].n_real == 40


def test_an_uncompiled_or_diverged_gan(gan):
    bare = kerasgan.GAN.from_config(gan.get_config())
    with pytest.raises(ValueError, match="Only a compiled GAN can be evaluated"):
        evaluation.evaluate(bare, real_images())
    diverged = small_gan()
    diverged.generator.trainable_variables[0].assign(diverged.generator.trainable_variables[0] * np.nan)
    with pytest.raises(ValueError, match="numbers that are not finite; its training has diverged"):
        evaluation.evaluate(diverged, real_images(), features=averages())


def test_the_best_epoch_is_kept(tmp_path):
    """Keras's own checkpoint, by the score that stands in the logs."""
    gan = small_gan()
    real = real_images(80)
    history = gan.fit(
        small_images(),
        batch_size=16,
        epochs=4,
        verbose=0,
        callbacks=[
            callbacks.EvaluateSamples(real, "train[:40]", features=averages()),
            keras.callbacks.ModelCheckpoint(
                str(tmp_path / "best.keras"), monitor="fcd", mode="min", save_best_only=True, verbose=0
            ),
        ],
    ).history
    assert len(history["fcd"]) == len(history["kid"]) == 4
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert int(best.step) == 4 * (1 + int(np.argmin(history["fcd"])))
    again = evaluation.Judge(real[:40], features=averages()).distances(best.generate(40, 0), 0)
    assert again["fcd"].value == pytest.approx(min(history["fcd"]))
    assert isinstance(again["fcd"], Score)


def test_the_lowest_score_is_kept_over_interruptions(tmp_path):
    saved = []
    model = types.SimpleNamespace(
        save=lambda path: saved.append(path) or path.write_bytes(b"model"),
        distribute_strategy=tf.distribute.get_strategy(),
    )
    history = tmp_path / "history.csv"
    history.write_text("epoch,step,fcd\n1,10,5.0\n2,20,nan\n")
    best = callbacks.BestModel(tmp_path / "best.keras", "fcd", history)
    best.set_model(model)
    best.on_train_begin()
    for score in (6.0, float("nan"), 5.0, 4.0, 4.5):
        best.on_epoch_end(0, {"fcd": score})
    assert len(saved) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"best.keras", "history.csv"}


def test_interpolations_and_traversals():
    """Of a generator that gives its latent: lines are straight, codes stay or move as they should."""
    gan = coded_gan()
    drawn = []
    gan.to_unit_range = lambda z: drawn.append(np.asarray(z)) or np.zeros((len(z), 2, 2, 1)) + keras.ops.zeros(())
    evaluation.interpolations(gan, seed=3, rows=2)
    line = drawn[0][: evaluation.COLUMNS]
    ends = gan.latent.from_seeds(np.array([3, 4])).numpy()
    np.testing.assert_allclose(line[0], ends[0], atol=1e-6)
    np.testing.assert_allclose(line[-1, :2], ends[1, :2], atol=1e-6)
    np.testing.assert_allclose(np.diff(line, 2, axis=0), 0, atol=1e-6)
    np.testing.assert_array_equal(line[:, 2:], np.repeat(ends[:1, 2:], len(line), axis=0))

    titles = [title for title, _ in evaluation.traversals(gan, rows=2)]
    assert titles == [
        "Categorical code 0: one column per category",
        "Continuous code 0: from -2 to 2",
        "Continuous code 1: from -2 to 2",
    ]
    np.testing.assert_array_equal(drawn[1][:, 2:5], np.tile(np.eye(3), (2, 1)))
    np.testing.assert_allclose(drawn[3][: evaluation.COLUMNS, 6], np.linspace(-2, 2, evaluation.COLUMNS), atol=1e-6)
    np.testing.assert_array_equal(np.ptp(drawn[3][:, 5].reshape(2, -1), axis=1), 0)
    with pytest.raises(ValueError, match="This model has no codes: its latent is Normal"):
        evaluation.traversals(small_gan())
