"""The game: one `keras.Model` in which a generator and a discriminator play against each other.

`train_step` is Algorithm 1 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661). Networks, latent
and loss are parts that are handed in; a family of GANs brings its own and overrides nothing here. What a GAN is besides
has rooms of its own: checks of what comes in (`checks`), the generator's average (`averages`), `drawing`, what an
interrupted training keeps (`progress`), which number is whose (`labels`).
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan import averages, checks, latents, losses, optimizers, portrait, progress, serialization, strategies
from kerasgan.augment import get as get_augmentation
from kerasgan.drawing import Drawing
from kerasgan.labels import as_array, labelled, own_column, record_shares
from kerasgan.penalties import FAKE, LINE, REAL, Payment
from kerasgan.penalties import get as get_penalties

# Streams of noise that never meet: for training, evaluation, augmentation, penalties on lines, a reading of codes.
TRAINING, EVALUATION, AUGMENTATION, PENALTY, READING = 0, 1, 2, 3, 4


@keras.saving.register_keras_serializable("kerasgan")
class GAN(keras.Model):
    """A generator and a discriminator, trained against each other by `fit`.

    Args:
        generator: keras.Model, latent vectors `[B, latent.dim]` float32 -> samples `[B, ...]` in `value_range`.
        discriminator: keras.Model, samples -> what the loss reads: logits `[B, 1]`, or a dict of outputs.
        latent: a `kerasgan.latents.Latent`; its `dim` is the generator's input.
        value_range: (low, high) of the samples, which are images `[B, H, W, C]`; None where they are not images.
        ema_decay: d in (0, 1) or a schedule (`kerasgan.schedules`) keeps a second generator, which follows the first:
            `e <- d e + (1 - d) w`; `generate`, `export` and inference calls then use it. None keeps one generator.
        seed: int from 0 to 2**31 - 1; all noise drawn in training and evaluation follows from it.

    Raises:
        ValueError: the networks do not fit each other or the latent, or a number is out of range.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent: latents.Latent,
        value_range: Sequence[float] | None = (-1, 1),
        ema_decay: Any = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        checks.check_parts(generator, discriminator, latent, value_range, seed)
        self.generator, self.discriminator, self.latent = generator, discriminator, latent
        self.value_range = None if value_range is None else (float(value_range[0]), float(value_range[1]))
        self.seed = int(seed)
        self.sample_shape = checks.output_shape(generator, latent)[1:]
        # Saved with the model: all training noise follows from it, so that a loaded one goes on as if uninterrupted.
        counter = {"shape": (), "dtype": "int64", "initializer": "zeros", "trainable": False}
        self.step = self.add_weight(**counter, name="step", aggregation="only_first_replica")
        self._average = self.ema_generator = None
        if ema_decay is not None:
            statistics_step = self.add_weight(**counter, name="ema_statistics_step")
            self._average = averages.Average(generator, latent, ema_decay, self.seed, self.step, statistics_step)
            self.ema_generator = self._average.follower
        self._real = checks.RealSamples(self.sample_shape, self.value_range, latent)
        self._drawing = Drawing(latent, self.sample_shape, self.value_range)
        self.progress = progress.Progress(generator, discriminator)
        self.built = True

    @property
    def ema_decay(self) -> Any:
        """Of the average of the generator; fixed when a GAN is made, because that makes the second generator."""
        return None if self._average is None else self._average.decay

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Of a conditional GAN, the classes by their labels; None of any other."""
        return getattr(self.latent, "class_names", None)

    # -- the game --------------------------------------------------------------------------------------------------

    def compile(
        self,
        d_optimizer: Any = None,
        g_optimizer: Any = None,
        loss: Any = "non_saturating",
        d_steps: int = 1,
        fresh_noise: bool = False,
        penalties: Any = None,
        augment: Any = None,
        **kwargs: Any,
    ) -> None:
        """Chooses the players' optimizers and what they play for.

        Args:
            d_optimizer, g_optimizer: what `keras.optimizers.get` takes; None is DCGAN's, Adam(2e-4, beta_1=0.5).
            loss: an alias of `kerasgan.losses.ALIASES`, such as "hinge", or a `kerasgan.losses.AdversarialLoss`.
            d_steps: k of Algorithm 1, D's updates per update of G; a fitted batch of k*B images is split in k for them.
            fresh_noise: False trains G on D's last samples; True draws new ones, as in Algorithm 1, at a pass more.
            penalties: on D's gradient: of `kerasgan.penalties`, one or a list, or a string: "r1(5, every=16), r2(5)".
            augment: of what D sees in training: of `kerasgan.augment`, or a string: "color,translation", "adaptive".
            **kwargs: Keras's `run_eagerly`, `steps_per_execution`, `jit_compile=True` (XLA; drops the checks of data).

        Raises:
            ValueError: an unknown name or argument, `d_steps` below 1, or parts that do not fit each other.
        """
        checks.check_options(d_steps, kwargs)
        loss, penalties = losses.get(loss), get_penalties(penalties)
        augment, _ = (get_augmentation(each, self.value_range) for each in (augment, loss.augment))
        names = "d_loss", "g_loss", *loss.diagnostic_names(self.latent)
        d_optimizer, g_optimizer = optimizers.prepare((d_optimizer, self.discriminator), (g_optimizer, self.generator))
        checks.try_out(loss, penalties, self.discriminator, self.latent, self.sample_shape)

        # Without optimizer=None Keras would add an RMSprop of its own; its "auto" is XLA wherever there is a GPU.
        super().compile(optimizer=None, **{**kwargs, "jit_compile": kwargs.get("jit_compile") is True})
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.loss, self.penalties, self.augment = loss, penalties, augment
        self.d_steps, self.fresh_noise, self.compile_options = int(d_steps), bool(fresh_noise), kwargs
        self.progress.begin(names, penalties, augment)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One round of Algorithm 1: `d_steps` discriminator updates, then one generator update."""
        real, labels = self._real.check(data, self.loss, self.d_steps)
        minibatches = self._real.split(real, labels, self.d_steps)  # (k*B, ...) -> k of (B, ...), with labels (B,)
        with tf.control_dependencies([real for real, _ in minibatches]):  # all samples have passed their checks
            return self._play(minibatches)

    def _play(self, minibatches):
        for i, (real, labels) in enumerate(minibatches):
            z = labelled(self._noise(real, TRAINING, self.step, i), labels, self.latent)  # (B, latent.dim)
            with tf.GradientTape() as generator_tape:
                fake = self.generator(z, training=True)  # (B, ...)
            self._update_discriminator(real, fake, z, labels, i)

        if self.fresh_noise:
            z = labelled(self._noise(real, TRAINING, self.step, self.d_steps), labels, self.latent)
            with tf.GradientTape() as generator_tape:
                fake = self.generator(z, training=True)
        self._update_generator(real, fake, z, labels, generator_tape)

        self.step.assign_add(1)
        if self._average is not None:
            self._average.update()
        return strategies.as_logs(self.progress.training.results())

    def _judge(self, samples, labels, update, kind):
        """What the discriminator makes of samples in training: augmented, of each the column of its label."""
        outputs = self._see(samples, self.augment, AUGMENTATION, self.step, update, kind)
        if kind == FAKE and self.loss.augment is not None:  # codes are read from images changed otherwise
            again = self._see(samples, self.loss.augment, READING, self.step, update, kind)
            outputs = self.loss.join(outputs, again, self.latent)
        return own_column(outputs, labels)

    def _see(self, samples, augment, *stream):
        if augment is not None:
            u = latents.noise_like(augment.noise, samples, self.seed, *stream)
            samples = augment(samples, u, self.value_range, self.step)
        return self.discriminator(samples, training=True)

    def _update_discriminator(self, real, fake, z, labels, i):
        # Real and generated samples pass separately, so that batch normalisation never mixes them.
        fake = tf.stop_gradient(fake)
        with tf.GradientTape() as tape:
            real_outputs = self._judge(real, labels, i, REAL)
            fake_outputs = self._judge(fake, labels, i, FAKE)
            per_sample = self.loss.discriminator_loss(real_outputs, fake_outputs, z, self.latent)  # (B,)
            objective = self.d_optimizer.scale_loss(strategies.share_of_mean(per_sample))
        checks.refuse_own_losses("discriminator", self.discriminator)
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(objective, [v.value for v in variables])
        if self.penalties:
            u = latents.noise_like(LINE, real, self.seed, PENALTY, self.step, i)  # (B, 1)
            paid = Payment(lambda samples, kind: self._judge(samples, labels, i, kind), real, fake, u)
            gradients = paid.add(self.penalties, gradients, variables, self.d_optimizer, self.step * self.d_steps + i)
            self.progress.training.update_where(**paid.values)
        self.d_optimizer.apply(strategies.share_overflow(self.d_optimizer, gradients), variables)
        logs = self.loss.diagnostics(real_outputs, fake_outputs, z, self.latent)
        self.progress.training.update(d_loss=per_sample, **logs)
        self.progress.watch_range(real, self.value_range)
        if self.augment is not None:
            self.augment.follow(lambda: self.loss.confidence(real_outputs, fake_outputs))
            self.progress.training.update(**self.augment.logged(self.step))

    def _update_generator(self, real, fake, z, labels, generator_tape):
        # The chain rule in two pieces: first d loss / d fake through the discriminator, watching `fake` alone so that
        # no gradient of the discriminator's weights is computed; then on through the forward pass that already exists.
        real_outputs = [self._judge(real, labels, self.d_steps, REAL)] if self.loss.reads_real else []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            fake_outputs = self._judge(fake, labels, self.d_steps, FAKE)
            per_sample = self.loss.generator_loss(fake_outputs, z, self.latent, *real_outputs)  # (B,)
            objective = self.g_optimizer.scale_loss(strategies.share_of_mean(per_sample))
        checks.refuse_own_losses("generator", self.generator)
        upstream = tape.gradient(objective, fake)  # (B, ...)
        variables = self.generator.trainable_variables
        gradients = generator_tape.gradient(fake, [v.value for v in variables], output_gradients=upstream)
        self.g_optimizer.apply(strategies.share_overflow(self.g_optimizer, gradients), variables)
        self.progress.training.update(g_loss=per_sample)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The losses and diagnostics on held-out data: networks in inference mode, no augmentation, no update. The
        generator is the one that plays, not its average; the noise follows from `seed` and the images seen so far.
        """
        real, labels = self._real.check(data, self.loss)
        means = self.progress.evaluation
        seen = means.count() * tf.distribute.get_strategy().num_replicas_in_sync  # each counts its own
        z = labelled(self._noise(real, EVALUATION, seen), labels, self.latent)
        fake_outputs = own_column(self.discriminator(self.generator(z, training=False), training=False), labels)
        real_outputs = own_column(self.discriminator(real, training=False), labels)
        outputs = real_outputs, fake_outputs, z, self.latent
        g_loss = self.loss.generator_loss(*outputs[1:], *[real_outputs] * self.loss.reads_real)
        means.update(d_loss=self.loss.discriminator_loss(*outputs), g_loss=g_loss, **self.loss.diagnostics(*outputs))
        return strategies.as_logs(means.results())

    def _noise(self, like, *stream):
        return latents.noise_like(self.latent, like, self.seed, *stream)  # (B, latent.dim)

    def call(self, z: Any, training: bool = False) -> tf.Tensor:
        """Latent vectors `[B, latent.dim]` -> samples `[B, ...]` in `value_range`."""
        return (self.generator if training else self.inference_generator())(z, training=training)

    def inference_generator(self) -> keras.Model:
        """The network to sample from: the averaged generator if there is one, with batch statistics of its own, which
        are computed here if training has gone on since. In a graph, which cannot know, they stay as they are.
        """
        if self._average is not None and tf.executing_eagerly():
            return self._average.refresh()
        return self.ema_generator or self.generator

    # -- Keras's side ----------------------------------------------------------------------------------------------

    def fit(self, x: Any = None, y: Any = None, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        """`keras.Model.fit` on real samples: a dataset from `kerasgan.data.load`, or an array. A conditional GAN takes
        labels `[B]` beside them, whole numbers from 0; others leave labels aside. Keras's callbacks work; those that
        change `model.optimizer` go through `kerasgan.callbacks.for_optimizer`.

        Raises:
            ValueError: samples of another shape or range, NaN in them, labels that are missing or of no class, weights,
                a batch too small for the loss or not divisible by `d_steps`. (`jit_compile=True` checks shapes only.)
        """
        if isinstance(x, (tf.data.Dataset, tf.distribute.DistributedDataset)):
            kwargs.setdefault("shuffle", False)  # Keras's default is True, of which Keras 3.15 warns for datasets
        y = as_array(x, y, self.latent)
        if record_shares(self.latent, x, y):
            self._drawing.forget()
        kwargs["callbacks"] = checks.attended(callbacks)
        return checks.guarded(keras.Model.fit)(self, *checks.without_rest(self, x, y, *args, **kwargs), *args, **kwargs)

    # Keras's own, with errors in plain words. `predict` takes z to samples; `to_unit_range` makes images of them.
    evaluate = checks.guarded(keras.Model.evaluate, held_out=True)
    test_on_batch = checks.guarded(keras.Model.test_on_batch, held_out=True)
    train_on_batch = checks.guarded(keras.Model.train_on_batch)
    predict = averages.refreshed(keras.Model.predict)
    _maybe_symbolic_build = checks.built_already

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What is logged now, and what a subclass has added."""
        return [*self.progress.current.metrics(), *keras.layers.Layer.metrics.fget(self)]

    def reset_metrics(self) -> None:
        super().reset_metrics()
        self.progress.restore_means()

    continue_epoch, running_means = progress.continue_epoch, progress.running_means
    samples_logged = progress.samples_logged

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **serialization.parts_of(self)}

    from_config = classmethod(serialization.made_from)
    get_compile_config, compile_from_config = serialization.rules_of, serialization.compile_by

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        self.progress.save(store)

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(self.progress.load(store))

    # -- doors: what lies behind them has rooms of its own -----------------------------------------------------------

    def generate(
        self,
        n: int | None = None,
        seed: int = 0,
        batch_size: int = 128,
        codes: dict | None = None,
        labels: Any = None,
        *,
        seeds: Any = None,
        z: Any = None,
    ) -> np.ndarray:
        """Samples from the trained generator.

        Args:
            n, seed: how many; sample i is that of seed `seed + i`, however many are asked for.
            batch_size: how many pass through the generator at once.
            codes: with a `Coded` latent, in place of those that z or the seeds give: a dict with "categorical" (whole
                numbers from 0), "continuous" (numbers; -1 to 1 in training), or both, each one number or row `[codes]`
                for all samples, or `[n, codes]`.
            labels: of a conditional GAN, in place of those that z or the seeds give: one class for all samples or a
                list of n, each a name of `class_names` or a whole number from 0.
            seeds, z: in place of n and seed: whole numbers `[n]` from 0 to below 2**63; float `[n, latent.dim]`.

        Returns:
            float32 `[n, H, W, C]` in [0, 1]; where the samples are not images, `[n, ...]` as the generator gives them.

        Raises:
            ValueError: a number out of range, codes or labels that there are not, another shape, or z beside seeds.
        """
        return self._drawing.draw(self.inference_generator(), n, seed, batch_size, codes, labels, seeds, z)

    def draw_latents(
        self, n: int | None = None, seed: int = 0, seeds: Any = None, labels: Any = None, codes: dict | None = None
    ) -> np.ndarray:
        """The z, float32 `[n, latent.dim]`, of the samples that `generate` gives for the same arguments."""
        return self._drawing.latents(n, seed, seeds, labels, codes)

    show, __repr__, _repr_html_ = portrait.show, portrait.describe, portrait.as_html  # for notebooks

    def infer_codes(self, images: Any, batch_size: int = 128) -> dict[str, np.ndarray]:
        """What the discriminator reads in images: Q(c | x) of InfoGAN (arXiv:1606.03657, section 5).

        Args:
            images, batch_size: floats `[N, H, W, C]` in [0, 1], or other samples of `generate`; how many at once.

        Returns:
            "categorical": float32 `[N, codes, k]`, each category's probability (behind a code with fewer than k stand
            zeros); "continuous": float32 `[N, codes]`, means.

        Raises:
            ValueError: a model without codes, images of another shape or range, or batch_size below 1.
        """
        return self._drawing.read(self.discriminator, images, batch_size)

    def to_unit_range(self, samples: Any) -> tf.Tensor:
        """Generator output -> float32 images in [0, 1]; samples that are not images pass unchanged."""
        return self._drawing.to_unit_range(samples)

    def from_unit_range(self, images: Any) -> Any:
        """Float32 images in [0, 1] -> discriminator input; samples that are not images pass unchanged."""
        return self._drawing.from_unit_range(images)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """`keras.Model.save` as a `.keras` file, any other being a ValueError: networks, average, optimizers' state."""
        checks.check_keras_file(filepath, zipped)
        self.inference_generator()
        super().save(filepath, overwrite, zipped, **kwargs)

    def save_to_preset(self, folder: Any, metadata: dict | None = None, half: bool = False) -> Any:
        """Writes configuration, weights without optimizer state, and a model card, as `from_preset` loads them.

        Args:
            folder: such as "saved_models/my_gan"; a preset already there is replaced.
            metadata: what else the card should say: keys of `kerasgan.cards.write`, such as {"licence": "MIT"}.
            half: store the weights as float16, in half the space.

        Raises:
            ValueError: the GAN is not compiled, or `folder` is a file or cannot be written to.
        """
        from kerasgan import presets

        return presets.save(self, folder, metadata, half)

    @classmethod
    def from_preset(cls, preset: Any, sha256: str | None = None, compile: bool = True) -> "GAN":
        """A trained GAN, compiled unless `compile` is False; no code that comes with it is run.

        Args:
            preset: a name of `kerasgan.list_presets()`, the folder of a preset or a run, a `.keras` file, a hub's
                handle such as "hf://owner/name", or the `https://` address of an archive, of which `sha256` is told.

        Raises:
            ValueError: there is no such thing, it is damaged, or a newer kerasgan wrote it.
        """
        from kerasgan import presets

        return presets.load(preset, sha256, compile)

    def push_to_hub(self, to: str, **options: Any) -> str:
        """Puts the GAN where others load it, such as "hf://owner/name"; `kerasgan.sharing.push` has the options."""
        from kerasgan import sharing

        return sharing.push(self, to, **options)

    def export(self, filepath: Any, format: str = "tf_saved_model", *args: Any, **kwargs: Any) -> Any:
        """Writes a SavedModel with kerasgan's signatures, for TF Serving, or one file for another runtime.

        Args:
            filepath: the folder of a SavedModel, or the file; what is there is replaced.
            format: "tf_saved_model", "onnx", "litert" or "openvino".
            *args, **kwargs: of `serving.export` or `formats.export`, whose errors these are, or Keras's own.
        """
        from kerasgan.formats import writing

        return writing.export_as(self, filepath, format, *args, **kwargs)
