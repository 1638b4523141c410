"""The weights that ship: `weights.py --data DIR [--out runs/weights] [--minutes N]`; DIR holds scenes/train, scenes/test, photos/nature and photos/objects. Can be stopped and started again.

The rule of choice, written before the first run: a candidate is the generator at the end of a stage with a factor on its colours (1.0, 1.1 … 2.5), scored on validation photos of all three kinds, none of them trained on.
Allowed is what has, on the mean over the kinds, a CIEDE2000 below grey's and below that of a mean-ab tint scaled to the same colourfulness. Of those the one whose colourfulness is nearest to half the truth's and above wins; if none reaches half, the most colourful; if none is allowed, the least CIEDE2000."""
import argparse, json, sys
from pathlib import Path
import numpy as np
from common import ROOT
sys.path.insert(0, str(ROOT))
import torch
from colorgan.core import ColorganError, Settings, seed_at, with_, write_json
from colorgan.data import PhotoSet, Source, find_photos, prepare, read_manifest, split_idxs, write_manifest

manifest = ROOT/'data'/'manifests'/'photos.csv'
base = Settings(name='weights', data='scenes+photos', generator='lean', nf=48, dropout=.2, ema=.995, save_every=200, sample_every=400, log_every=50, patch=34, bs=16)
stages = [with_(base, name='weights-64', size=64, pretrain_steps=3000, gan_steps=0),
          with_(base, name='weights-96', size=96, pretrain_steps=1600, pretrain_lr=5e-4, gan_steps=800)]

def sources(data):
    "{kind: {part: Source}}: photos are parted by the manifest, scenes by their folders; of each training part some are kept for validation."
    photos = Source('photos', files=find_photos(data/'photos'), root=data/'photos', licence='research use'); digs = photos.digests()
    if not manifest.exists():
        parts = dict(test=[], train=[])
        for kind in ('nature', 'objects'):
            own = sorted((i for i, n in enumerate(photos.names) if n.startswith(kind + '/')), key=lambda i: digs[i]); parts['test'] += own[:150]; parts['train'] += own[150:]
        write_manifest(manifest, photos, digs, parts)
    parts = read_manifest(manifest, photos, digs); out = {}
    for kind, n in (('nature', 30), ('objects', 100)):
        tr = [i for i in parts['train'] if photos.names[i].startswith(kind + '/')]; tr.sort(key=lambda i: digs[i])
        out[kind] = dict(train=photos.subset(tr[n:]), valid=photos.subset(tr[:n]), test=photos.subset([i for i in parts['test'] if photos.names[i].startswith(kind + '/')]))
    tr = Source('scenes', files=find_photos(data/'scenes'/'train'), root=data/'scenes'/'train', licence='research use'); p = split_idxs(tr.digests(), n_valid=300)
    te = Source('scenes', files=find_photos(data/'scenes'/'test'), root=data/'scenes'/'test', licence='research use')
    return out | dict(scenes=dict(train=tr.subset(p['train']), valid=tr.subset(p['valid']), test=te))

def sets(src, size, limit=0):
    "Training and validation squares of all kinds in one, and what the record says of them."
    cut = lambda s: s.subset(range(min(limit, len(s)))) if limit else s
    def join(part, drop):
        ps = [prepare(cut(src[k][part]), size, 'crop', crops if part == 'train' else 1, drop_grey=drop) for k, crops in (('scenes', 1), ('objects', 6), ('nature', 10))]
        x = np.concatenate([p.x[p.rows] for p in ps]); return PhotoSet(x, [n for p in ps for n in p.names], None, [s for p in ps for s in p.skipped], [g for p in ps for g in p.grey])
    train, valid = join('train', 5.), join('valid', 0.); g = torch.randperm(len(valid), generator=torch.Generator().manual_seed(seed_at(0, 0, 'valid'))).numpy(); valid = PhotoSet(valid.x[g], [valid.names[i] for i in g])
    import hashlib
    return train, valid, dict(source='scenes+photos', licence='research use only: Intel Image Classification, BSDS500, ImageNet', split_sha256=hashlib.sha256(json.dumps([train.names, valid.names]).encode()).hexdigest(), train=train.report(), valid=valid.report())

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('--data', type=Path, required=True); ap.add_argument('--out', type=Path, default=ROOT/'runs'/'weights'); ap.add_argument('--limit', type=int, default=0, help='photos of each kind: to see that it runs'); ap.add_argument('--steps', type=float, default=1., help='factor on all steps')
    a = ap.parse_args(); src = sources(a.data)
    from colorgan.cli import _bar, _say
    from colorgan.gan import train
    from colorgan.pretrain import Interrupted
    before = ''
    for s in stages:
        s = with_(s, init=before, pretrain_steps=int(s.pretrain_steps*a.steps), gan_steps=int(s.gan_steps*a.steps)); out = a.out/s.name; before = str(out/'generator.safetensors')
        if not (out/'summary.json').exists():
            try: train(s, out, sets(src, s.size, a.limit), resume=(out/'config.json').exists(), progress=_bar, say=_say, argv=['tools/weights.py'])
            except Interrupted as e: sys.exit(e.code)
    print(before)

if __name__ == '__main__':
    try: main()
    except ColorganError as e: sys.exit(f'weights: {e}')
