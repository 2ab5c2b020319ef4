"""The game: one `keras.Model` in which a generator and a discriminator play against each other.

`train_step` is Algorithm 1 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv:1406.2661) and reads in
the order in which a batch flows. Networks, latent and loss are parts that are handed in; a family of GANs brings its
own parts and does not override anything here.
"""

import contextlib
import re

import keras
import numpy as np
import tensorflow as tf

from kerasgan import losses, strategies
from kerasgan.errors import check_whole
from kerasgan.latents import Coded, Latent
from kerasgan.optimizers import Adam

# Two streams of noise that never meet: what training and what evaluation draw.
TRAINING, EVALUATION = 0, 1

# The images that batch-normalisation statistics of averaged weights are computed from: 32 batches of 128 put the
# standard error of a mean at 1/64 of the activation's own spread.
STATISTICS_BATCHES, STATISTICS_BATCH_SIZE = 32, 128


@keras.saving.register_keras_serializable("kerasgan")
class GAN(keras.Model):
    """A generator and a discriminator, trained against each other by `fit`.

    Args:
        generator: keras.Model, latent vectors `[B, latent.dim]` float32 -> samples `[B, ...]` in `value_range`.
        discriminator: keras.Model, samples -> what the loss reads: logits `[B, 1]`, or a dict of outputs.
        latent: a `kerasgan.latents.Latent`; its `dim` is the generator's input.
        value_range: (low, high) of the samples, which are images `[B, H, W, C]`; None where they are not images.
        ema_decay: d in (0, 1) keeps a second generator whose weights follow the first as
            `e <- d e + (1 - d) w`; `generate`, `export` and inference calls then use it. None keeps one generator.
        seed: int from 0 to 2**31 - 1; all noise drawn in training and evaluation follows from it.

    Raises:
        ValueError: the networks do not fit each other or the latent, or a number is out of range.
    """

    def __init__(self, generator, discriminator, latent, value_range=(-1, 1), ema_decay=None, seed=0, **kwargs):
        super().__init__(**kwargs)
        _check_parts(generator, discriminator, latent, value_range, ema_decay, seed)
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent
        self.value_range = None if value_range is None else (float(value_range[0]), float(value_range[1]))
        self.ema_decay = ema_decay
        self.seed = int(seed)
        self.sample_shape = _output_shape(generator, latent)[1:]
        # Steps played so far. It is saved with the model and all training noise is drawn from it, so that a loaded
        # model goes on with the noise that an uninterrupted run would have drawn.
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )
        self.ema_generator = None
        if ema_decay is not None:
            self.ema_generator = keras.models.clone_model(generator)
            self.ema_generator.set_weights(generator.get_weights())
            # The step whose averaged weights the batch statistics of `ema_generator` belong to.
            self.ema_statistics_step = self.add_weight(
                shape=(), dtype="int64", initializer="zeros", trainable=False, name="ema_statistics_step"
            )
        self._running = _RunningMeans(())
        self._saved_means = {}
        self._means_of_cut_epoch = None
        self._latents_from_seeds = None  # traced when it is first needed
        self.built = True

    # -- the game --------------------------------------------------------------------------------------------------

    def compile(
        self, d_optimizer=None, g_optimizer=None, loss="non_saturating", d_steps=1, fresh_noise=False, **kwargs
    ):
        """Chooses the players' optimizers and what they play for.

        Args:
            d_optimizer, g_optimizer: anything `keras.optimizers.get` takes; None is Adam(2e-4, beta_1=0.5), the
                DCGAN paper's.
            loss: an alias ("minimax", "non_saturating", "kl", "ebgan", "infogan") or a
                `kerasgan.losses.AdversarialLoss`.
            d_steps: k of Algorithm 1, discriminator updates per generator update. Each takes its own real
                minibatch: a fitted batch of k*B images is split in k.
            fresh_noise: False trains the generator on the samples of the last discriminator update (one generator
                forward less); True draws new ones, as Algorithm 1 is printed.
            **kwargs: `jit_compile`, `run_eagerly`, `steps_per_execution`, as in `keras.Model.compile`.

        Raises:
            ValueError: an unknown loss, optimizer or argument, a loss that needs another latent or
                discriminator, or `d_steps` below 1.
        """
        unknown = sorted(set(kwargs) - {"jit_compile", "run_eagerly", "steps_per_execution"})
        if unknown:
            raise ValueError(
                f"GAN.compile does not take {', '.join(unknown)}. It takes d_optimizer, g_optimizer, loss, d_steps, "
                "fresh_noise, jit_compile, run_eagerly and steps_per_execution."
            )
        check_whole("d_steps", d_steps, 1)
        loss = losses.get(loss)
        diagnostic_names = loss.diagnostic_names(self.latent)
        d_optimizer = self._prepare_optimizer(d_optimizer, self.discriminator)
        g_optimizer = self._prepare_optimizer(g_optimizer, self.generator)
        if d_optimizer is g_optimizer:
            raise ValueError("d_optimizer and g_optimizer must be two objects: each keeps state for its own network.")

        self._try_out(loss)
        super().compile(optimizer=None, **kwargs)  # without optimizer=None Keras would add an RMSprop of its own
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss = loss
        self.d_steps = int(d_steps)
        self.fresh_noise = bool(fresh_noise)
        self._compile_options = kwargs
        self._running = _RunningMeans(("d_loss", "g_loss", *diagnostic_names))

    def _try_out(self, loss):
        """Lets a loss that reads other outputs than the discriminator's fail here, and not in the midst of `fit`."""
        outputs = self.discriminator(tf.zeros((2, *self.sample_shape)), training=False)
        z = self.latent.sample(2, [0, 0])
        loss.discriminator_loss(outputs, outputs, z, self.latent)
        loss.generator_loss(outputs, z, self.latent)

    def _prepare_optimizer(self, optimizer, network):
        optimizer = keras.optimizers.get(Adam(2e-4, beta_1=0.5) if optimizer is None else optimizer)
        # Keras scales the loss of `self.optimizer` alone; here each player needs its own scale.
        # (A network that was loaded does not know its policy; its layers do.)
        half = any(layer.compute_dtype == "float16" for layer in network._flatten_layers())
        if half and not hasattr(optimizer, "inner_optimizer"):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(network.trainable_variables)  # an unbuilt optimizer would lose its state on loading
        return optimizer

    def train_step(self, data):
        """One round of Algorithm 1: `d_steps` discriminator updates, then one generator update."""
        minibatches = self._split(self._real_samples(data, self.d_steps))  # (k*B, ...) -> k of (B, ...)
        with tf.control_dependencies(minibatches):  # nothing moves before the samples have passed their checks
            return self._play(minibatches)

    def _play(self, minibatches):
        for i, real in enumerate(minibatches):
            z = self._noise(real, TRAINING, self.step, i)  # (B, latent.dim)
            with tf.GradientTape() as generator_tape:
                fake = self.generator(z, training=True)  # (B, ...)
            self._update_discriminator(real, fake, z)

        if self.fresh_noise:
            z = self._noise(real, TRAINING, self.step, self.d_steps)
            with tf.GradientTape() as generator_tape:
                fake = self.generator(z, training=True)
        self._update_generator(fake, z, generator_tape)

        self.step.assign_add(1)
        if self.ema_generator is not None:
            self._update_average()
        return _as_logs(self._running.results())

    def _update_discriminator(self, real, fake, z):
        # Real and generated samples pass separately, so that batch normalisation never mixes them.
        fake = tf.stop_gradient(fake)
        with tf.GradientTape() as tape:
            real_outputs = self.discriminator(real, training=True)
            fake_outputs = self.discriminator(fake, training=True)
            per_sample = self.loss.discriminator_loss(real_outputs, fake_outputs, z, self.latent)  # (B,)
            objective = self.d_optimizer.scale_loss(_replica_share(per_sample))
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(objective, [v.value for v in variables])
        self.d_optimizer.apply(_share_overflow(self.d_optimizer, gradients), variables)
        self._running.update(d_loss=per_sample, **self.loss.diagnostics(real_outputs, fake_outputs, z, self.latent))

    def _update_generator(self, fake, z, generator_tape):
        # The chain rule in two pieces: first d loss / d fake through the discriminator, watching `fake` alone so that
        # no gradient of the discriminator's weights is computed; then on through the forward pass that already exists.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            fake_outputs = self.discriminator(fake, training=True)
            per_sample = self.loss.generator_loss(fake_outputs, z, self.latent)  # (B,)
            objective = self.g_optimizer.scale_loss(_replica_share(per_sample))
        upstream = tape.gradient(objective, fake)  # (B, ...)
        variables = self.generator.trainable_variables
        gradients = generator_tape.gradient(fake, [v.value for v in variables], output_gradients=upstream)
        self.g_optimizer.apply(_share_overflow(self.g_optimizer, gradients), variables)
        self._running.update(g_loss=per_sample)

    def _update_average(self):
        # The decay grows with the step, or the average would long remember the random start.
        step = tf.cast(self.step.value, tf.float32)
        keep = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        for average, weight in zip(
            self.ema_generator.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            average.assign(weight + tf.cast(keep, weight.dtype) * (average - weight))

    def test_step(self, data):
        """The losses and diagnostics on held-out data: networks in inference mode, no update.

        The generator is the one that plays (not its average); the noise follows from `seed` and from how many images
        this evaluation has seen, so the same evaluation gives the same numbers.
        """
        real = self._real_samples(data, minibatches=1)
        seen = self._running.count() * tf.distribute.get_strategy().num_replicas_in_sync  # each counts its own
        z = self._noise(real, EVALUATION, seen)
        fake_outputs = self.discriminator(self.generator(z, training=False), training=False)
        real_outputs = self.discriminator(real, training=False)
        self._running.update(
            d_loss=self.loss.discriminator_loss(real_outputs, fake_outputs, z, self.latent),
            g_loss=self.loss.generator_loss(fake_outputs, z, self.latent),
            **self.loss.diagnostics(real_outputs, fake_outputs, z, self.latent),
        )
        return _as_logs(self._running.results())

    def _noise(self, like, *stream):
        """One batch of latent vectors: a function of the seed, the stream and the row in the global batch.

        Replicas draw the noise of all of them and take their own rows, so that a batch has the same noise however
        many share it.
        """
        seed = tf.constant([self.seed, 0], tf.int64)
        for part in (*stream, 0):
            seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(part, tf.int64), alg="philox")
        rows, context = tf.shape(like)[0], tf.distribute.get_replica_context()
        z = self.latent.sample(rows * context.num_replicas_in_sync, seed)
        return z if context.num_replicas_in_sync == 1 else z[context.replica_id_in_sync_group * rows :][:rows]

    def _split(self, real):
        """A fitted batch -> `d_steps` minibatches of real samples."""
        if self.d_steps == 1:
            return [real]
        rule = f"A batch must divide into d_steps={self.d_steps} minibatches; its size is"
        with tf.control_dependencies(_check_size(real, lambda size: size % self.d_steps == 0, rule)):
            return tf.split(tf.identity(real), self.d_steps)

    def _real_samples(self, data, minibatches):
        """The samples in a batch of `fit` or `evaluate`, checked against what discriminator and loss take."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        shape = ", ".join(str(n) for n in self.sample_shape)
        rule = f"Real samples must be floats of shape (B, {shape})"
        if self.value_range is not None:
            rule += f" with values from {self.value_range[0]:g} to {self.value_range[1]:g}"
        if isinstance(x, (dict, list, tuple)):
            raise ValueError(f"{rule}; found a {type(x).__name__}. Map the dataset to its images.")
        x = tf.convert_to_tensor(x)
        if x.shape.rank is not None and not x.shape[1:].is_compatible_with(self.sample_shape):
            raise ValueError(f"{rule}; found shape {x.shape}.")
        x = tf.ensure_shape(x, (None, *self.sample_shape))  # where tracing has blurred the shape
        if not x.dtype.is_floating:
            raise ValueError(f"{rule}; found {x.dtype.name}. kerasgan.data.load(..., like=gan) rescales images.")
        x = tf.cast(x, tf.float32)
        low, high, slack = x.dtype.min, x.dtype.max, 0.0
        if self.value_range is not None:
            low, high = self.value_range
            slack = 1e-3 * (high - low)  # what a resize may overshoot
        # Comparisons with NaN are false, so this finds NaN too.
        fits = tf.debugging.Assert(
            tf.reduce_all((x >= low - slack) & (x <= high + slack)),
            [f"{MARK}{rule}, none of them NaN; found values from", tf.reduce_min(x), "to", tf.reduce_max(x)],
        )
        least = self.loss.smallest_batch * minibatches
        rule = f"{type(self.loss).__name__} needs at least {least} samples in a batch; found"
        enough = _check_size(x, lambda size: size >= least, rule)
        with tf.control_dependencies([*enough, *([] if fits is None else [fits])]):  # None: checked eagerly
            return tf.identity(x)

    # -- Keras's side ----------------------------------------------------------------------------------------------

    def call(self, z, training=False):
        """Latent vectors `[B, latent.dim]` -> samples `[B, ...]` in `value_range`."""
        if self.ema_generator is not None and not training:
            return self.ema_generator(z, training=False)
        return self.generator(z, training=training)

    def fit(self, x=None, *args, callbacks=None, **kwargs):
        """`keras.Model.fit` on real samples alone: a dataset from `kerasgan.data.load`, or an array.

        Keras's callbacks work; those that change `model.optimizer` go through `kerasgan.callbacks.for_optimizer`.

        Raises:
            ValueError: samples of another shape or value range than the discriminator's, NaN in them, or a batch that
                does not divide by `d_steps` or is too small for the loss. (A function compiled with
                `jit_compile=True` checks shapes only.)
        """
        for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
            if isinstance(callback, keras.callbacks.TerminateOnNaN):
                _watch_both_losses(callback)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # Keras's default is True, of which Keras 3.15 warns for datasets
        with _plain_errors():
            history = super().fit(x, *args, callbacks=callbacks, **kwargs)
        self.inference_generator()  # after fit, `gan(z)` and `gan.predict(z)` are right too
        return history

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate` on held-out real samples: `d_loss`, `g_loss` and the loss's diagnostics."""
        with _plain_errors():
            return super().evaluate(*args, **kwargs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: a GAN is built when it is made. Under a strategy Keras would take a batch for it here, and training
        would see the order of the second epoch in the first.
        """

    @property
    def metrics(self):
        return self._running.metrics()

    def continue_epoch(self):
        """Lets the next `fit` of a GAN that was saved in the midst of an epoch log means over the whole of that epoch.

        Keras begins every epoch with fresh means; the first that it begins after this call goes on with the saved ones.
        """
        self._means_of_cut_epoch = self._saved_means or None

    def running_means(self) -> dict[str, float]:
        """What `fit` would log now: means since the epoch began; 0 before its first step."""
        return {name: float(mean) for name, mean in self._running.results().items()}

    def samples_logged(self) -> float:
        """How many samples those means are of, where workers have equal shares."""
        # Each device counts its own. Asking other workers for theirs would cost more than a small step does.
        counts = self.distribute_strategy.experimental_local_results(self._running.count().value)
        return sum(float(count) for count in counts) * self.distribute_strategy.num_replicas_in_sync / len(counts)

    def reset_metrics(self):
        super().reset_metrics()
        if self._means_of_cut_epoch is not None:
            self._running.restore(self._means_of_cut_epoch)
            self._means_of_cut_epoch = None

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latent": keras.saving.serialize_keras_object(self.latent),
            "value_range": self.value_range,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for part in ("generator", "discriminator", "latent"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)

    def get_compile_config(self):
        if not self.compiled:
            return None
        return {
            "d_optimizer": keras.saving.serialize_keras_object(self.d_optimizer),
            "g_optimizer": keras.saving.serialize_keras_object(self.g_optimizer),
            "loss": losses.serialize(self.loss),
            "d_steps": self.d_steps,
            "fresh_noise": self.fresh_noise,
            **self._compile_options,
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        # What is saved should be right to sample from. (Keras asks the GAN before it asks the networks.)
        self.inference_generator()
        super().save_own_variables(store)
        # Keras leaves these out, and a resumed run would then replay its dropout masks.
        for i, generator in enumerate(self._random_states()):
            store[f"random_state_{i}"] = generator.state.numpy()
        for name, state in self._running.states().items():
            store[f"running_{name}"] = state

    def load_own_variables(self, store):
        content = {key: np.asarray(store[key]) for key in store.keys()}  # noqa: SIM118 (a store, not a dict)
        states = {key: content.pop(key) for key in list(content) if key.startswith("random_state_")}
        running = {key: content.pop(key) for key in list(content) if key.startswith("running_")}
        self._saved_means = {key.removeprefix("running_"): state for key, state in running.items()}
        super().load_own_variables(content)
        for i, generator in enumerate(self._random_states()):
            generator.state.assign(states[f"random_state_{i}"])

    def _random_states(self):
        layers = [*self.generator._flatten_layers(), *self.discriminator._flatten_layers()]
        return [generator for layer in layers for generator in getattr(layer, "_seed_generators", [])]

    # -- samples ---------------------------------------------------------------------------------------------------

    def generate(self, n: int, seed: int = 0, batch_size: int = 128, codes: dict | None = None) -> np.ndarray:
        """Samples from the trained generator.

        Args:
            n: how many.
            seed: sample i is that of seed `seed + i`, however many are asked for.
            batch_size: how many pass through the generator at once.
            codes: with a `Coded` latent, codes to set in place of those that the seeds give: a dict with
                "categorical" (whole numbers from 0), "continuous" (numbers; -1 to 1 in training), or both. Each is
                one number or row `[codes]` for all samples, or `[n, codes]`.

        Returns:
            float32 `[n, H, W, C]` in [0, 1]; where the samples are not images, `[n, ...]` as the generator gives them.

        Raises:
            ValueError: n or batch_size below 1, a seed that is negative or reaches 2**63, codes of another shape or
                out of range, or codes for a latent without any.
        """
        for name, number, least in (("n", n, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
            check_whole(name, number, least)
        if seed + n > 2**63:
            raise ValueError(f"The seeds of {n} samples must lie below 2**63; the first is {seed}.")
        if codes is not None:
            codes = self._coded_latent().check_codes(codes, n)
        generator = self.inference_generator()
        if self._latents_from_seeds is None:
            # One graph for any number of seeds, and without the warning that TensorFlow gives whoever makes many GANs.
            draw = tf.function(self.latent.from_seeds, autograph=False)
            self._latents_from_seeds = draw.get_concrete_function(tf.TensorSpec([None], tf.int64))
        seeds = np.arange(seed, seed + n, dtype=np.int64)
        batches = []
        for start in range(0, n, batch_size):
            rows = slice(start, start + batch_size)
            z = self._latents_from_seeds(tf.constant(seeds[rows]))
            if codes is not None:
                z = self.latent.with_codes(z, **{kind: values[rows] for kind, values in codes.items()})
            # A direct call: `predict` in a loop leaks memory (tensorflow issue 44711).
            batches.append(self.to_unit_range(generator(z, training=False)).numpy())
        return np.concatenate(batches)

    def infer_codes(self, images, batch_size: int = 128) -> dict[str, np.ndarray]:
        """What the discriminator reads in images: Q(c | x) of InfoGAN (arXiv:1606.03657, section 5).

        Args:
            images: `[N, H, W, C]` floats in [0, 1], as `generate` gives them (or samples that are not images).
            batch_size: how many pass through the discriminator at once.

        Returns:
            "categorical": float32 `[N, codes, k]`, the probability of each category of each code (k is the largest
            number of categories; a code with fewer has zeros behind them); "continuous": float32 `[N, codes]`, means.

        Raises:
            ValueError: a model without codes, images of another shape or range, or batch_size below 1.
        """
        latent = self._coded_latent()
        check_whole("batch_size", batch_size, 1)
        shape = ", ".join(str(n) for n in self.sample_shape)
        rule = f"infer_codes needs floats of shape (N, {shape})" + (" in [0, 1]" if self.value_range else "")
        images = np.asarray(images)
        if images.shape[1:] != self.sample_shape or not len(images) or not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"{rule}; found {images.dtype} of shape {images.shape}.")
        if self.value_range is not None and not (images.min() >= 0 and images.max() <= 1):
            raise ValueError(f"{rule}; found values from {images.min():g} to {images.max():g}.")
        codes = []
        for start in range(0, len(images), batch_size):
            batch = tf.constant(images[start : start + batch_size], tf.float32)
            outputs = self.discriminator(self.from_unit_range(batch), training=False)
            if not isinstance(outputs, dict) or "codes" not in outputs:
                raise ValueError("This model's discriminator gives no 'codes' to read.")
            codes.append(outputs["codes"])
        return {kind: values.numpy() for kind, values in latent.read(tf.concat(codes, axis=0)).items()}

    def _coded_latent(self) -> Coded:
        if not isinstance(self.latent, Coded):
            raise ValueError(f"This model has no codes: its latent is {type(self.latent).__name__}, not Coded.")
        return self.latent

    def to_unit_range(self, samples):
        """Generator output -> float32 images in [0, 1]; samples that are not images pass unchanged."""
        samples = tf.cast(samples, tf.float32)
        if self.value_range is None:
            return samples
        low, high = self.value_range
        return tf.clip_by_value((samples - low) / (high - low), 0.0, 1.0)

    def from_unit_range(self, images):
        """Float32 images in [0, 1] -> discriminator input; samples that are not images pass unchanged."""
        if self.value_range is None:
            return images
        low, high = self.value_range
        return low + (high - low) * images

    def inference_generator(self):
        """The network to sample from: the averaged generator if there is one, with batch statistics of its own.

        Batch statistics gathered while the weights moved do not belong to averaged weights, and averaging them is
        worse than either; so they are recomputed here, from a fixed seed, whenever training has gone on since.
        """
        if self.ema_generator is None:
            return self.generator
        step = int(self.step.numpy())
        if int(self.ema_statistics_step.numpy()) != step:
            self._recompute_statistics()
            self.ema_statistics_step.assign(step)
        return self.ema_generator

    def _recompute_statistics(self):
        pairs = zip(self.ema_generator.non_trainable_variables, self.generator.non_trainable_variables, strict=True)
        for average, state in pairs:
            average.assign(state)
        layers = [
            layer
            for layer in self.ema_generator._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        if not layers:
            return
        momenta = [layer.momentum for layer in layers]
        try:
            for i in range(STATISTICS_BATCHES):
                for layer in layers:
                    layer.momentum = i / (i + 1)  # makes the moving average the plain mean of all batches so far
                self.ema_generator(self.latent.sample(STATISTICS_BATCH_SIZE, [self.seed, i]), training=True)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save_to_preset(self, folder, metadata=None, half=False):
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
    def from_preset(cls, preset, sha256=None):
        """A trained, compiled GAN; no code that comes with it is run.

        Args:
            preset: a name of `kerasgan.list_presets()`, the folder of a preset or of a run of `kerasgan train`, a
                `.keras` file, or the `https://` address of an archive that holds a preset.
            sha256: of that archive.

        Raises:
            ValueError: there is no such thing, it is damaged, or a newer kerasgan wrote it.
        """
        from kerasgan import presets

        return presets.load(preset, sha256)

    def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs):
        """Writes one SavedModel at `filepath`, with kerasgan's signatures, for TF Serving.

        Args:
            filepath: the folder; a SavedModel already there is replaced.
            format: "tf_saved_model", or another that `keras.Model.export` knows, which then does the work.
            verbose, input_signature: as in Keras. With an `input_signature` Keras exports `call` alone.
            **kwargs: `xla` and `metadata` of `kerasgan.serving.export`; with another format or an `input_signature`,
                Keras's own.

        Raises:
            ValueError: `filepath` is a file or a folder that holds something else.
        """
        if format != "tf_saved_model" or input_signature is not None:
            self.inference_generator()
            if input_signature is None:
                input_signature = [keras.InputSpec(shape=(None, self.latent.dim), dtype="float32", name="z")]
            return super().export(filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)
        from kerasgan import serving

        return serving.export(self, filepath, verbose=verbose, **kwargs)


class _RunningMeans:
    """Running means of what is logged. A plain object: Keras locks its own metric tracking after the first compile."""

    def __init__(self, names):
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def update(self, **values):
        for name, value in values.items():
            self._means[name].update_state(tf.cast(value, tf.float32))

    def results(self):
        return {name: mean.result() for name, mean in self._means.items()}

    def metrics(self):
        return list(self._means.values())

    def states(self):
        """`{name: float32 [sum, count]}`."""
        return {name: np.array([mean.total.numpy(), mean.count.numpy()]) for name, mean in self._means.items()}

    def restore(self, states):
        for name, mean in self._means.items():
            mean.total.assign(states[name][0])
            mean.count.assign(states[name][1])

    def count(self):
        return self._means["d_loss"].count


def _watch_both_losses(callback):
    # TerminateOnNaN reads `loss` alone, which a game of two does not have, and would silently do nothing.
    on_batch_end = callback.on_batch_end
    callback.on_batch_end = lambda batch, logs=None: on_batch_end(
        batch, {**logs, "loss": logs["d_loss"] + logs["g_loss"]}
    )


def _as_logs(results):
    # Keras averages logs over workers along their first axis, which a scalar lacks (tensorflow issue 72388).
    several = strategies.has_workers(tf.distribute.get_strategy())
    return {name: tf.reshape(value, [1]) for name, value in results.items()} if several else results


def _replica_share(per_sample):
    # Replicas' gradients are summed, so each contributes its part of the mean over the global batch.
    return tf.reduce_mean(per_sample) / tf.distribute.get_strategy().num_replicas_in_sync


def _share_overflow(optimizer, gradients):
    # Each replica's loss scale looks at its own gradients alone: where one overflows, all must leave the step out.
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1 or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    lost = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32))
    return [tf.where(lost > 0, tf.constant(np.nan, gradient.dtype), gradient) for gradient in gradients]


def _check_size(batch, holds, rule) -> list:
    """Checks a batch's size: now where it is known, else by the operations returned, which the graph must run first."""
    size = batch.shape[0]
    if size is None:
        return [tf.debugging.Assert(holds(tf.shape(batch)[0]), [MARK + rule, tf.shape(batch)[0]])]
    if not holds(size):
        raise ValueError(f"{rule} {size}.")
    return []


def _output_shape(generator, latent):
    # Functional and sequential models know their shapes; a subclassed one is asked.
    return tuple(getattr(generator, "output_shape", None) or generator.compute_output_shape((None, latent.dim)))


def _check_parts(generator, discriminator, latent, value_range, ema_decay, seed):
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model) or not network.built:
            raise ValueError(f"{name} must be a built keras.Model; found {type(network).__name__}.")
        if network.losses:
            raise ValueError(
                f"The {name} has losses of its own (regularisers or add_loss), which the game does not play. "
                "Use the weight_decay of an optimizer instead."
            )
    if not isinstance(latent, Latent):
        raise ValueError(f"latent must be one of kerasgan.latents, found {type(latent).__name__}.")
    latent_shape = getattr(generator, "input_shape", (None, latent.dim))
    if tuple(latent_shape) != (None, latent.dim):
        raise ValueError(f"The generator takes {latent_shape}, the latent gives (None, {latent.dim}); they must agree.")
    sample_shape = _output_shape(generator, latent)
    judged_shape = tuple(getattr(discriminator, "input_shape", sample_shape))
    if judged_shape != sample_shape:
        raise ValueError(
            f"The generator gives {sample_shape}, the discriminator takes {judged_shape}; they must agree."
        )
    if value_range is not None:
        if len(value_range) != 2 or not value_range[0] < value_range[1]:
            raise ValueError(f"value_range must be (low, high) with low < high, or None; found {value_range}.")
        if len(sample_shape) != 4:
            raise ValueError(
                f"Images have shape (B, H, W, C); the generator gives {sample_shape}. "
                "Pass value_range=None for samples that are not images."
            )
    if ema_decay is not None and not 0.0 < ema_decay < 1.0:
        raise ValueError(f"ema_decay must lie between 0 and 1, or be None; found {ema_decay}.")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**31:
        raise ValueError(f"seed must be a whole number from 0 to 2**31 - 1; found {seed!r}.")


MARK = "kerasgan: "  # how a check of ours inside the graph is told from TensorFlow's


@contextlib.contextmanager
def _plain_errors():
    """Turns a failed check inside the graph into the ValueError that the same check outside would raise."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        failed = re.search(rf"assertion failed: \[{MARK}(.*?)\]((?: \[.*?\])*)", error.message)
        if failed:
            values = re.findall(r"\[(.*?)\]", failed.group(2))
            raise ValueError(" ".join([failed.group(1), *values]) + ".") from None
        misshapen = re.search(r"Shape of tensor \S+ \[(.*?)\] is not compatible with .*? \[(.*?)\]", error.message)
        if misshapen:
            raise ValueError(
                f"Real samples must have shape ({misshapen.group(2)}); found ({misshapen.group(1)})."
            ) from None
        raise
