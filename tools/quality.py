"""Is quality traded for speed? `quality.py --data DIR [--seeds 3] [--pretrain 150] [--gan 50]`: the plain loop and ours, each with the same photos, steps and rates, measured on the same held-out squares; written to results/bench/quality.json.
What is done is kept in runs/quality.jsonl, so it can be stopped and started again."""
import argparse, json, sys, time
from pathlib import Path
from common import ROOT
sys.path.insert(0, str(ROOT))
import torch
from colorgan.bench import OurLoop, PlainLoop
from colorgan.color import L_ab2rgb, colorfulness, rgb2L_ab
from colorgan.core import Settings, environment, seed_everything, with_, write_json
from colorgan.data import get_source, make_sets
from colorgan.gan import gan_rates
from colorgan.metrics import ciede2000
from colorgan.pretrain import one_cycle

@torch.no_grad()
def score(colour, valid):
    "Mean CIEDE2000 and colourfulness of what `colour` paints, with grey's and the truth's."
    rows = []
    for i in range(0, len(valid), 32):
        x = valid.take(range(i, min(i + 32, len(valid)))).float()/255; L, ab = rgb2L_ab(x); p = L_ab2rgb(L, colour(L).float().cpu()); rows.append(torch.stack([ciede2000(p, x), colorfulness(p), ciede2000(L_ab2rgb(L, 0*ab), x), colorfulness(x)], 1))
    return dict(zip(('ciede2000', 'colorfulness', 'grey_ciede2000', 'true_colorfulness'), torch.cat(rows).mean(0).tolist()))

def one(kind, s, files, train, valid):
    "Both stages of one loop."
    loop = OurLoop(train, s) if kind == 'ours' else PlainLoop(files, s); t = time.perf_counter(); st = getattr(loop, 'st', None); set_ = lambda o, r: [g.update(lr=r) for g in o.param_groups]
    for i in range(s.pretrain_steps): set_(st.opt_g if st else loop.opt_1, one_cycle(i, s.pretrain_steps, s.pretrain_lr)); st and st.seed_step(i); loop.l1(*loop.batch())
    at = gan_rates(s, s.gan_steps)
    for i in range(s.gan_steps):
        b = loop.batch(); r = at(i)
        if st and st.D is None: from colorgan.gan import start_gan; start_gan(st)
        set_(st.opt_g if st else loop.opt_g, r['g']); set_(st.opt_d if st else loop.opt_d, r['d']); loop.gan(*b)
    net = (st.G if st else loop.G).eval(); loop._it = None
    return dict(loop=kind, seed=s.seed, seconds=time.perf_counter() - t, precision=st.precision if st else 'fp32', **score(net if st else lambda L: torch.tanh(net(L)), valid))

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('--data', required=True); ap.add_argument('--seeds', type=int, default=3); ap.add_argument('--pretrain', type=int, default=150); ap.add_argument('--gan', type=int, default=50); a = ap.parse_args()
    s = with_(Settings(), generator='resnet18', encoder='none', size=64, bs=16, ema=0., n_valid=256, pretrain_steps=a.pretrain, gan_steps=a.gan, device='cpu'); src = get_source(a.data); train, valid, info = make_sets(s, src); files = [Path(a.data)/n for n in train.names]
    log = ROOT/'runs'/'quality.jsonl'; log.parent.mkdir(exist_ok=True); done = [json.loads(l) for l in log.read_text().splitlines()] if log.exists() else []
    env = environment(['tools/quality.py', '--data', 'SCENES/train']); key = dict(steps=[a.pretrain, a.gan], split_sha256=info['split_sha256'], commit=env['commit']); mine = lambda o: all(o.get(k) == v for k, v in key.items())
    for seed in range(a.seeds):
        for kind in ('ours', 'plain'):
            if any(mine(o) and (o['loop'], o['seed']) == (kind, seed) for o in done): continue
            seed_everything(seed); o = one(kind, with_(s, seed=seed), files, train, valid) | key; done.append(o); print(o, flush=True)
            with open(log, 'a') as f: f.write(json.dumps(o) + '\n')
    write_json(ROOT/'results'/'bench'/'quality.json', dict(runs=[o for o in done if mine(o)], images=(a.pretrain + a.gan)*s.bs, size=s.size, valid=len(valid), data=src.name if '/' not in src.name else Path(src.name).name, split_sha256=info['split_sha256'], environment=env))

if __name__ == '__main__': main()
