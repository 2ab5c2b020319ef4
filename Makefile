# make demo   from nothing to a trained and exported DCGAN       make test   the tests
# make data   Fashion-MNIST, MNIST and Noto's emoji, as it can    make lint   style, types, layers
# make bench  the timings, beside PyTorch where it installs      make clean  remove what these made
# make docs   the pages, into site/ (strict: a warning is an error)
# make presets  train all presets anew, into runs/ and saved_models/: hours
#
# Everything is installed into .venv; PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo data test test-slow lint docs bench presets clean

demo: $(VENV)/.installed
	$(BIN)/python -m kerasgan.data.fashion_mnist
	$(BIN)/python examples/demo.py

data: $(VENV)/.installed
	$(BIN)/python -m kerasgan.data.fashion_mnist
	$(BIN)/python -m kerasgan.data.mnist
	$(BIN)/python -m kerasgan.data.noto_emoji

test: $(VENV)/.installed-test
	@# Without the images the tests that need them are skipped, and say so; with CI=true they fail.
	-$(BIN)/python -m kerasgan.data.fashion_mnist
	-$(BIN)/python -m kerasgan.data.mnist
	-$(BIN)/python -m kerasgan.data.noto_emoji
	@# In two halves: TensorFlow keeps something of every fit, and a process that has seen many of them is slow.
	@status=0; for half in "tests/[a-f]*_test.py tests/[a-f]*/" "tests/[g-z]*_test.py tests/[g-z]*/"; do \
	  $(BIN)/python -m pytest -n 2 --dist loadfile $$half || status=1; \
	done; exit $$status

# Trainings that are killed, clusters of processes, the longest examples.
test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# --strict judges links; what is wrong with a docstring is only told, and is as much of an error.
docs: $(VENV)/.installed-docs
	@$(BIN)/zensical build --clean --strict >$(VENV)/docs.log 2>&1; status=$$?; cat $(VENV)/docs.log; \
	  test $$status = 0 && ! grep -qE "^(griffe|mkdocstrings|autorefs)|[Ww]arning" $(VENV)/docs.log

bench: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/generate.py
	$(BIN)/python benchmarks/small_data.py
	$(BIN)/python benchmarks/serving.py

# A run that was cut goes on where it stopped; one that is finished is only scored again.
PRESETS := vanilla_gan_fashion_mnist dcgan_fashion_mnist ebgan_fashion_mnist infogan_fashion_mnist \
  r3gan_fashion_mnist vanilla_gan_mnist dcgan_mnist infogan_mnist dcgan_noto_emoji r3gan_noto_emoji
presets: data
	@for name in $(PRESETS); do \
	  if [ -f runs/$$name/config.json ]; then resume=--resume; else resume=--noresume; fi; \
	  case $$name in \
	    *_noto_emoji) pictures='the pictures of Noto Color Emoji are under the SIL Open Font License 1.1';; \
	    *_fashion_mnist) pictures='Fashion-MNIST is under the MIT licence';; \
	    *) pictures='MNIST is under CC BY-SA 3.0';; \
	  esac; \
	  $(BIN)/kerasgan train --recipe=$$name $$resume && \
	  $(BIN)/kerasgan preset --run=runs/$$name --output=saved_models/$$name --licence="Apache-2.0; $$pictures" || exit 1; \
	done

clean:
	rm -rf $(VENV) demo site build *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "kerasgan needs Python 3.10 to 3.13; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"; \
	    rm -rf $(VENV); exit 1; }
	@# Old pips search for ten minutes and more for a set of versions that newer ones find at once.
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: setup.py kerasgan/__init__.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

# PyTorch from PyPI brings CUDA along, several GB; whoever has put another build into .venv before keeps it.
$(VENV)/.installed-bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[serving]'
	@if $(BIN)/python -m pip install --quiet --editable '.[bench]'; then touch $@; \
	  else echo "PyTorch cannot be installed here; the timings go on without it."; fi
