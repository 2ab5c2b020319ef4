#!/usr/bin/env bash
# Serves a kerasgan model in a real TensorFlow Serving container and asks it for everything that it offers.
#
#     scripts/smoke_tf_serving.sh [REPOSITORY MODEL]
#
# Without arguments it exports an untrained DCGAN into a temporary repository. Needs Docker, and kerasgan[serving] in the
# Python that PYTHON names. For a GPU: TAG=2.20.0-gpu DOCKER_ARGS="--gpus all" scripts/smoke_tf_serving.sh
# Exit status: 0 all answers were right, 1 something was wrong, 2 it was NOT RUN.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
image=tensorflow/serving:${TAG:-2.20.0}
temporary=
container=

clean_up() {
  status=$?
  if [ -n "$container" ]; then
    [ $status -eq 0 ] || docker logs "$container" 2>&1 | tail -40
    docker rm --force "$container" >/dev/null
  fi
  [ -z "$temporary" ] || rm -rf "$temporary"
  exit $status
}
trap clean_up EXIT
not_run() { echo "NOT RUN: $1" >&2; exit 2; }

command -v docker >/dev/null || not_run "there is no docker on this machine"
docker info >/dev/null 2>&1 || not_run "docker is installed, and its daemon does not answer"
"$python" -c 'import kerasgan, tensorflow_serving' 2>/dev/null || not_run "$python has no kerasgan[serving]"
docker pull "$image" || not_run "the image $image cannot be had"

if [ $# -eq 2 ]; then
  repository=$(cd "$1" && pwd)
  model=$2
else
  temporary=$(mktemp -d)
  chmod 755 "$temporary"  # the server is another user
  repository=$temporary
  model=dcgan
  "$python" -c "import kerasgan, sys; kerasgan.create_model('dcgan').save_to_preset(sys.argv[1])" "$repository/$model"
  "$python" -m kerasgan.cli export --all --output="$repository"
  cp "$here/saved_models/batching.pbtxt" "$here/saved_models/monitoring.config" "$repository"
fi

# DOCKER_ARGS holds several words.
# shellcheck disable=SC2086
container=$(docker run --detach ${DOCKER_ARGS:-} -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 \
  -v "$repository:/models:ro" "$image" --model_config_file=/models/models.config --enable_batching \
  --batching_parameters_file=/models/batching.pbtxt --monitoring_config_file=/models/monitoring.config)
"$python" "$here/scripts/smoke.py" "$repository" "$model" http://127.0.0.1:8501 grpc://127.0.0.1:8500
