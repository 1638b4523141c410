"""Every experiment of `nbs/11_experiments.ipynb`, one record each: `records.py --scenes DIR --cifar10 DIR --objects DIR [--budget cpu] [--jobs 2] [NAME…]`.
Records that are there are kept, runs that were stopped go on. Each job has one thread, so that two of them do not wait for each other on two cores."""
import argparse, os, signal, subprocess, sys, time
from pathlib import Path
from common import ROOT, quiet_env

three = ('paper-resnet', 'encoder-scenes', 'encoder-objects', 'encoder-cifar10', 'paper-unet', 'resnet-l1')
def queue(names):
    sys.path.insert(0, str(ROOT)); from colorgan.experiments import experiments
    first = [('classifier-scenes', 0), ('classifier-cifar10', 0), ('classifier-objects', 0)]; rest = [n for n in experiments if not n.startswith('classifier-') and n != 'encoder-imagenet']
    once = ['paper-resnet', 'encoder-cifar10', 'nazeri-unet-cifar10', 'nazeri-gan-cifar10', 'encoder-objects', *three]      # what needs the classifiers goes first
    jobs = first + [(n, 0) for n in dict.fromkeys(once + rest)] + [(n, s) for s in (1, 2) for n in three]      # encoder-random is paper-resnet once more: that a seed repeats
    return [j for j in jobs if not names or j[0] in names]

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('names', nargs='*'); ap.add_argument('--budget', default='cpu'); ap.add_argument('--jobs', type=int, default=2); ap.add_argument('--results', type=Path, default=ROOT/'results')
    for k in ('scenes', 'cifar10', 'objects'): ap.add_argument(f'--{k}', required=True)
    a = ap.parse_args(); data = lambda n: a.cifar10 if 'nazeri' in n or n == 'classifier-cifar10' else a.objects if n == 'classifier-objects' else a.scenes
    there = lambda n: (ROOT/'data'/'weights'/f'{n}.safetensors').exists() or (ROOT/'runs'/'reproduce'/a.budget/f'{n}-s0'/'classifier.safetensors').exists()      # a classifier's file does not come with its record
    todo = [(n, s) for n, s in queue(a.names) if not (a.results/f'{n}-s{s}').exists() or n.startswith('classifier-') and not there(n)]; running, failed = {}, []
    env = quiet_env(ROOT) | dict(OMP_NUM_THREADS='1'); logs = ROOT/'runs'/'records'; logs.mkdir(parents=True, exist_ok=True); print(f'{len(todo)} to run', flush=True)
    def stop(sig, frame):
        for p in running: p.send_signal(signal.SIGTERM)
        for p in list(running): p.wait()
        sys.exit(128 + sig)
    for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, stop)
    need = {'encoder-scenes': 'classifier-scenes', 'encoder-objects': 'classifier-objects', 'encoder-cifar10': 'classifier-cifar10'}
    def ready(n):
        wait = ({need[n]} if n in need else set()) | ({'classifier-cifar10' if 'nazeri' in n else 'classifier-scenes'} if not n.startswith('classifier-') else set())
        return not wait & ({x for x, _ in todo} | {j[0] for j in running.values()} | set(failed))      # nor what failed: a record without its features would stay for ever
    while todo or running:
        for p in [p for p in running if p.poll() is not None]:
            n, s, t = running.pop(p); print(f"{'✓' if p.returncode == 0 else '✗'} {n} seed {s}: {(time.time() - t)/60:.1f} min", flush=True); failed += [n]*(p.returncode != 0)
        nxt = next((j for j in todo if ready(j[0])), None)
        if nxt and len(running) < a.jobs:
            todo.remove(nxt); n, s = nxt; log = open(logs/f'{n}-s{s}.log', 'a')
            running[subprocess.Popen([sys.executable, '-m', 'colorgan.cli', 'reproduce', n, '--data', data(n), '--budget', a.budget, '--seed', str(s), '--results', str(a.results)], cwd=ROOT, env=env, stdout=log, stderr=log)] = (n, s, time.time())
        elif todo and not running: print('what is left waits for a classifier that failed: ' + ', '.join(n for n, _ in todo)); break
        else: time.sleep(2)
    sys.exit(bool(failed or todo))

if __name__ == '__main__': main()
