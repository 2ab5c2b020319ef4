"""The page, in Gradio's components: what stands where, and what each of them does."""

import functools
import pathlib
import tempfile
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from kerasgan.explore.page import elements, watch
from kerasgan.explore.page.view import Choice, View

N = 24  # samples at once
LARGEST_SEED = 2**53 - 1 - N  # a browser's numbers are whole up to there
REACH = 3.0  # how far a slider goes along a direction, either way
SECONDS = 5.0  # between two looks at a run
ANY = ("any", "")  # class, as it is shown and what it is: that of the seed
QUICK: dict[str, Any] = {"show_progress": "hidden", "concurrency_id": "draw", "concurrency_limit": 2}
SLOW: dict[str, Any] = {"concurrency_id": "search", "concurrency_limit": 1}


def build(views: Sequence[View]) -> gr.Blocks:
    """The page of these GANs, each with a tab of its own where they are several."""
    title = f"{', '.join(view.name for view in views)} - kerasgan explore"
    with gr.Blocks(title=title, analytics_enabled=False) as page:
        if len(views) == 1:
            _Model(views[0])
        else:
            with gr.Tabs():
                for view in views:
                    with gr.Tab(view.name):
                        _Model(view)
    return page


def _said(work: Callable) -> Callable:
    """What a user can get wrong is said on the page."""

    @functools.wraps(work)
    def saying(*args, **kwargs):
        try:
            return work(*args, **kwargs)
        except ValueError as error:
            raise gr.Error(str(error), duration=8, print_exception=False) from None

    return saying


class _Model:
    """The part of the page that shows one GAN."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.id = f"kg-{uuid.uuid4().hex[:8]}"  # of elements: several GANs are on one page
        self.classes = list(view.gan.class_names or ())
        shape = " x ".join(map(str, view.gan.sample_shape))
        by = f", {len(self.classes)} classes" if self.classes else ""
        gr.HTML(f"<h1>{elements.text(view.name)}</h1><p>Draws images of {shape}{by}.</p>")
        with gr.Tabs() as self.tabs:
            with gr.Tab("Samples", id="samples"):
                self._samples()
            with gr.Tab("Between", id="way"):
                self._way()
            with gr.Tab("Find", id="find"):
                self._find()
            if view.folder is not None:
                with gr.Tab("Training", id="training"):
                    self._training(view.folder)

    def _class_field(self, label, first=(), value=None):
        """A choice of the classes, or None where there are none."""
        if not self.classes:
            return None
        return gr.Dropdown([*first, *self.classes], value=value or "", label=label, filterable=True)

    def _seed_field(self, label, value=0):
        return gr.Number(value, label=label, precision=0, minimum=0, maximum=LARGEST_SEED, step=1)

    def _samples(self):
        view = self.view
        with gr.Row():
            first = self._seed_field("First seed")
            of_class = self._class_field("Class of all", (ANY,))
            psi = gr.Slider(
                minimum=0,
                maximum=1,
                value=1,
                step=0.05,
                label="Truncation (psi)",
                info="Below 1: nearer to the mean",
                visible=view.can_truncate,
            )
            with gr.Column(min_width=120):
                back = gr.Button(f"Previous {N}", size="sm")
                on = gr.Button(f"Next {N}", size="sm")
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                start = elements.samples(view.samples(0, N, None, 1.0))
                grid = gr.HTML(start, js_on_load=elements.PICK, elem_id=f"{self.id}-samples")
            with gr.Column(scale=2, min_width=300, elem_id=f"{self.id}-one"):
                self._one(psi)

        given = [first, psi, *([of_class] if of_class else [])]

        def draw(seed, psi, label="", moved=0):
            seed = min(max(0, int(seed or 0) + moved), LARGEST_SEED)
            return seed, elements.samples(view.samples(seed, N, label or None, float(psi)))

        for field in given:
            event = field.release if field is psi else field.input
            event(_said(draw), given, [first, grid], **QUICK)
        back.click(_said(functools.partial(draw, moved=-N)), given, [first, grid], **QUICK)
        on.click(_said(functools.partial(draw, moved=N)), given, [first, grid], **QUICK)
        seen = f"() => window.innerWidth < 700 && document.getElementById('{self.id}-one').scrollIntoView()"

        def pick(event: gr.EventData, psi: float) -> tuple:
            label = event.label if event.label in self.classes else None
            return self.picked(view.choice_of(int(event.seed), label), float(psi))

        grid.pick(_said(pick), psi, self.all_of_one, **QUICK).then(None, js=seen)

    def _one(self, psi):
        """A sample with what changes it; `picked` gives each its value for a choice."""
        view = self.view
        begin = view.choice_of(0)
        picture = gr.HTML(self._picture(begin))
        found = gr.State(None, time_to_live=3600)  # the z of a picture that was looked for
        seed = self._seed_field("Seed")
        label = self._class_field("Class", value=begin.label)
        kinds = [
            gr.Dropdown(list(range(k)), value=value, label=f"Code {i}, one of {k}")
            for i, (k, value) in enumerate(zip(view.categorical, begin.categorical or (), strict=True))
        ]
        codes = [
            gr.Slider(-2, 2, value, step=0.05, label=f"Continuous code {i}")
            for i, value in enumerate(begin.continuous or ())
        ]
        with gr.Group():
            ways = [
                gr.Slider(-REACH, REACH, 0, step=0.1, label=f"Direction {i + 1}") for i in range(len(view.directions))
            ]
        if view.without:
            gr.HTML(f"<p>No directions: {elements.text(view.without)}</p>")
        reset = gr.Button("As it was", size="sm")
        lines = gr.Code(view.lines_of(begin), language="python", label="The same in Python", interactive=False)
        self.all_of_one = [found, seed, *([label] if label else []), *kinds, *codes, *ways, picture, lines]
        given = [found, seed, psi, *([label] if label else []), *kinds, *codes, *ways]

        def read(found, seed, psi, *given):
            values = list(given)
            return Choice(
                seed=int(seed or 0),
                z=found,
                psi=float(psi),
                label=values.pop(0) if label else None,
                categorical=tuple(int(values.pop(0)) for _ in kinds) or None,
                continuous=tuple(float(values.pop(0)) for _ in codes) or None,
                amounts=tuple(float(value) for value in values),
            )

        def picked(choice, psi):
            shown = Choice(**{**vars(choice), "psi": psi})
            values = [*([choice.label] if label else []), *(choice.categorical or ()), *(choice.continuous or ())]
            return choice.z, choice.seed, *values, *[0.0] * len(ways), self._picture(shown), view.lines_of(shown)

        def draw(*values):
            choice = read(*values)
            return self._picture(choice), view.lines_of(choice)

        def again(*values):
            choice = read(*values)
            z = None if choice.z is None else view.latent_of(Choice(z=choice.z))[0]
            return picked(view.choice_of(choice.seed, choice.label if z is None else None, z), choice.psi)

        def other(seed, psi, *rest):
            named = rest[0] if label else None
            return picked(view.choice_of(int(seed or 0), named), float(psi))

        for field in given[3:]:
            field.input(_said(draw), given, [picture, lines], trigger_mode="always_last", **QUICK)
        psi.input(_said(draw), given, [picture, lines], trigger_mode="always_last", **QUICK)
        seed.input(_said(other), given[1:], self.all_of_one, trigger_mode="always_last", **QUICK)
        reset.click(_said(again), given, self.all_of_one, **QUICK)
        self.picked, self.psi = picked, psi

    def _says(self, choice):
        of = "A picture that was looked for" if choice.z is not None else f"Seed {choice.seed}"
        return of + (f", {choice.label}" if choice.label else "")

    def _picture(self, choice):
        name = f"{self.view.name}-{'found' if choice.z is not None else choice.seed}"
        return elements.picture(self.view.draw(choice), self.view.enlarge, self._says(choice), name)

    def _way(self):
        view = self.view
        with gr.Row():
            seeds = [self._seed_field("From seed"), self._seed_field("To seed", 1)]
            labels = (
                [self._class_field(f"Class {where}", (ANY,)) for where in ("there", "here")] if self.classes else []
            )
        share = gr.Slider(0, 1, 0.5, step=0.01, label="How far")
        picture = gr.HTML()
        lines = gr.Code("", language="python", label="The same in Python", interactive=False)
        make = gr.Button("Make a film, there and back", size="sm")
        film = gr.HTML()
        film_lines = gr.Code(visible=False, language="python", label="The film in Python", interactive=False)
        given = [*seeds, share, *labels]

        def read(first, last, share, *named):
            pair = (int(first or 0), int(last or 0))
            if not named:
                return pair, None, share
            names = tuple(name or view.choice_of(seed).label for seed, name in zip(pair, named, strict=True))
            return pair, names, share

        def draw(*values):
            pair, names, share = read(*values)
            says = f"{share:.0%} of the way from seed {pair[0]} to seed {pair[1]}"
            name = f"{view.name}-{pair[0]}-{pair[1]}-{share:g}"
            shown = elements.picture(view.between(pair, names, share), view.enlarge, says, name)
            return shown, view.lines_between(pair, names, share)

        def make_film(*values):
            pair, names, _ = read(*values)
            with tempfile.TemporaryDirectory(prefix="kerasgan-explore-") as folder:
                path = pathlib.Path(folder) / "way.gif"
                view.film(pair, names, path)
                content = path.read_bytes()
            says = f"From seed {pair[0]} to seed {pair[1]} and back"
            shown = elements.film(content, says, f"{view.name}-{pair[0]}-{pair[1]}")
            return shown, gr.Code(view.lines_of_film(pair, names), visible=True)

        begin = draw(0, 1, 0.5, *[""] * len(labels))
        picture.value, lines.value = begin
        for field in given:
            field.input(_said(draw), given, [picture, lines], trigger_mode="always_last", **QUICK)
        make.click(_said(make_film), given, [film, film_lines], **SLOW)

    def _find(self):
        view = self.view
        gr.HTML(
            "<p>Looks for the sample that is most like a picture of yours. The picture stays on this machine's "
            "memory for as long as that takes.</p>"
        )
        field = gr.HTML(
            elements.file_field(f"{self.id}-file"), js_on_load=elements.READ, elem_id=f"{self.id}-file-field"
        )
        of_class = self._class_field("Its class, where you know it", (ANY,))
        result = gr.HTML()
        take = gr.Button("Change what was found", visible=False)
        kept = gr.State(None, time_to_live=3600)

        def find(event: gr.EventData, label: str = "") -> tuple:
            image = elements.uploaded(event.data, view.gan.sample_shape)
            choice, error = view.find(image, label or None)
            nearest = view.draw(choice)
            says = f"Found, with a mean squared error of {error:.4f}"
            return elements.pair(("Yours", image), (says, nearest), view.enlarge), gr.Button(visible=True), choice.z

        def use(z, psi):
            return gr.Tabs(selected="samples"), *self.picked(view.choice_of(0, z=z), float(psi))

        field.chosen(_said(find), [of_class] if of_class else [], [result, take, kept], show_progress="full", **SLOW)
        take.click(_said(use), [kept, self.psi], [self.tabs, *self.all_of_one], **QUICK)

    def _training(self, run):
        shown = gr.HTML(watch.as_html(run))
        stamp = gr.State(None)

        def look(stamp):
            self.view.renew()
            now = watch.stamp_of(run)
            return (gr.skip(), gr.skip()) if now == stamp else (watch.as_html(run), now)

        timer = gr.Timer(SECONDS)
        timer.tick(look, stamp, [shown, stamp], show_progress="hidden", concurrency_id="look")
