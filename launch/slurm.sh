#!/usr/bin/env bash
# sbatch launch/slurm.sh --data PHOTOS --out RUN [--set KEY=VALUE]…    arguments are those of `colorgan train`
#SBATCH --job-name=colorgan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@120
# PHOTOS and RUN lie on a file system that all nodes see. SIGTERM, two minutes before the time is over, saves the state;
# the same job with --resume goes on, on as many nodes as it gets. PER_NODE=2 starts two processes a node, whatever its GPUs.
set -euo pipefail
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
exec srun --kill-on-bad-exit=1 torchrun --nnodes "$SLURM_NNODES" --nproc-per-node "${PER_NODE:-gpu}" --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$head:$((20000 + SLURM_JOB_ID % 40000))" \
    -m colorgan.cli train "$@"
