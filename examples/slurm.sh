#!/bin/bash
# sbatch slurm.sh: one training on two machines with two GPUs each. Not run where it was written: there was no Slurm.
#
# To change: the numbers of machines and GPUs, and batch_size, which all GPUs share; the output, on a disk that all
# machines see. A job that is cut, or whose worker dies, is put back in line and goes on from the newest checkpoint.
#SBATCH --job-name=train-dcgan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=2
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=train-dcgan.log
set -uo pipefail

# Each task makes its TF_CONFIG of the job's list of machines and of its own place in it.
srun --kill-on-bad-exit=1 bash -c '
  workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:2222\"/" | paste -sd,)
  export TF_CONFIG="{\"cluster\": {\"worker\": [$workers]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec kerasgan train --model=dcgan --dataset=fashion_mnist --batch_size=512 --epochs=20 --precision=bfloat16 \
    --strategy=multi_worker --sync_batch_norm --checkpoint_steps=100 --output=/shared/runs/dcgan --resume
'
status=$?
case $status in
  0 | 2 | 3) exit $status ;; # done, a wrong command line, or a training that diverged: another start would end as this
  *) scontrol requeue "$SLURM_JOB_ID" ;;
esac
