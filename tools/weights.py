"""The weights that ship: `weights.py --data DIR [--out runs/weights]`; DIR holds scenes/train, scenes/test, photos/nature, photos/objects and cifar10-jpg/train. Can be stopped and started again.

The rule of choice: a candidate is the generator at the end of a stage, its colours made livelier or paler by the factor that makes it half as colourful as the truth, on validation photos of all three kinds, none of them trained on.
Allowed is what has a CIEDE2000 below grey's and below that of a mean-ab tint as colourful as the answer; first of all what is allowed on each kind by itself, else on the mean over the kinds. Of those, and of all if none is allowed, the least CIEDE2000 wins.
Until the third run factors were tenths and the one nearest to half as colourful won, whatever its CIEDE2000: that passed over better ones for two hundredths of colourfulness. It was changed after the third run's validation scores were seen and before any test photo was.
The third run goes on where the second one's L1 stages ended, with CIFAR-10's photos beside: after 1,000 steps of 32 on squares of 64, validation objects of colourfulness 15.5 had a CIEDE2000 of 10.68 with them and 11.03 without."""
import argparse, dataclasses, json, math, sys
from pathlib import Path
import numpy as np
from common import ROOT
sys.path.insert(0, str(ROOT))
import torch
from colorgan.core import ColorganError, Settings, load_settings, seed_at, with_, write_json
from colorgan.data import PhotoSet, Source, find_photos, prepare, read_manifest, split_idxs, write_manifest

manifest = ROOT/'data'/'manifests'/'photos.csv'
ships = 'colorgan-lean-96c.safetensors'      # another name for each file that ships: an installed colorgan knows the sum of its own
looked_at = {      # what a person saw in the pictures of a file, by the beginning of its sha256
    '5b7e0c7c': dict(pictures='The cat comes out in its brown, the sky over the tower and behind the astronaut in a pale blue, the trees in a dull green. The flower and the rocket are brown where they are orange and lit yellow, the night sky is between brown and green, which is wrong; the suit, the flag, the cup and the motorcycle stay grey or brown.',
        stages=' The adversarial stage was chosen as it went: its best was at step 200, and it ended at 800 of 1,200, since no later one was better; the stage before it had a lower CIEDE2000. Longer training with more kinds of photos is the next thing to try.',
        fails=['Anything whose colour its shape must tell: clothes, flags, cars, furniture, fruit. It has seen a few hundred objects, and ten kinds of small ones; they come out in the tint of their lightness, mostly brown, or stay grey.', 'Night skies and dark even grounds turn brown or green.', 'People: there are few in the training photos. Skin is a pale brown, as walls are.'])}
base = Settings(name='weights', data='scenes+photos', generator='lean', nf=48, dropout=.2, ema=.995, save_every=400, sample_every=2000, log_every=50, patch=34, bs=32)
stages = [with_(base, name='weights-64', size=64, pretrain_steps=12_000, gan_steps=0),
          with_(base, name='weights-96', size=96, pretrain_steps=3000, pretrain_lr=5e-4, gan_steps=0),
          with_(base, name='weights-64-cifar', data='scenes+photos+cifar10', size=64, pretrain_steps=8000, pretrain_lr=5e-4, gan_steps=0),
          with_(base, name='weights-96-cifar', data='scenes+photos+cifar10', size=96, pretrain_steps=2500, pretrain_lr=5e-4, gan_steps=0),
          with_(base, name='weights-96-last', data='scenes+photos+cifar10', size=96, bs=16, pretrain_steps=0, gan_steps=1200, lr=1e-4, sample_every=100, keep='best', patience=6)]

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
    tr, te = (Source('scenes', files=find_photos(data/'scenes'/k), root=data/'scenes'/k, licence='research use') for k in ('train', 'test')); held = set(te.digests())
    tr = tr.subset([i for i, d in enumerate(tr.digests()) if d not in held]); p = split_idxs(tr.digests(), n_valid=300)      # two photos lie in both parts, as the data set comes
    return out | dict(scenes=dict(train=tr.subset(p['train']), valid=tr.subset(p['valid']), test=te))

def cifar(data, size):
    "CIFAR-10's training photos, upscaled: all of them at 64 pixels, a fifth, by hash, where they would be blurred further."
    c = Source('cifar10', files=find_photos(data/'cifar10-jpg'/'train'), root=data/'cifar10-jpg'/'train', licence='research use')
    if size > 64: digs = c.digests(); c = c.subset(sorted(range(len(c)), key=lambda i: digs[i])[:len(c)//5])
    return c

def sets(src, size, limit=0, more=None):
    "Training and validation squares of all kinds in one, and what the record says of them; `more`: a source to train on beside."
    cut = lambda s: s.subset(range(min(limit, len(s)))) if limit else s
    def join(part, drop):
        ps = [prepare(cut(src[k][part]), size, 'crop', crops if part == 'train' else 1, drop_grey=drop) for k, crops in (('scenes', 1), ('objects', 10), ('nature', 20))] + ([prepare(cut(more), size, 'crop', drop_grey=drop)] if more is not None and part == 'train' else [])
        x = np.concatenate([p.x[p.rows] for p in ps]); return PhotoSet(x, [n for p in ps for n in p.names], None, [s for p in ps for s in p.skipped], [g for p in ps for g in p.grey])
    train, valid = join('train', 5.), join('valid', 0.); g = torch.randperm(len(valid), generator=torch.Generator().manual_seed(seed_at(0, 0, 'valid'))).numpy(); valid = PhotoSet(valid.x[g], [valid.names[i] for i in g])
    import hashlib
    return train, valid, dict(source='scenes+photos' + (f'+{more.name}' if more is not None else ''), licence='research use only: Intel Image Classification, BSDS500, ImageNet' + (', CIFAR-10' if more is not None else ''), split_sha256=hashlib.sha256(json.dumps([train.names, valid.names]).encode()).hexdigest(), train=train.report(), valid=valid.report())

def same_run(out, s, split=None):
    "A run that is there must be of these settings (and photos); else `ColorganError`."
    if not (out/'config.json').exists(): return True
    was, now = dataclasses.asdict(load_settings(out/'config.json')), dataclasses.asdict(s); other = [f'{k} was {was[k]}' for k in now if was[k] != now[k] and k not in ('device', 'log_every', 'save_every', 'init')]
    if split and (out/'data.json').exists() and json.loads((out/'data.json').read_text('utf-8')).get('split_sha256') != split: other.append('its photos were others')
    if other: raise ColorganError(f'{out} holds another run ({other[0]}): remove it, or give another --out')
    return True

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('--data', type=Path, required=True); ap.add_argument('--out', type=Path, default=ROOT/'runs'/'weights'); ap.add_argument('--limit', type=int, default=0, help='photos of each kind: to see that it runs'); ap.add_argument('--steps', type=float, default=1., help='factor on all steps'); ap.add_argument('--ways', action='store_true', help='only try other ways to the same colourfulness with the file that ships')
    a = ap.parse_args()
    if a.ways: return add_ways(a.data)
    src = sources(a.data)
    from colorgan.cli import _bar, _say
    from colorgan.gan import train
    from colorgan.pretrain import Interrupted
    before = ''
    for s in stages:
        s = with_(s, init=before, **{k: n and max(1, int(n*a.steps)) for k in ('pretrain_steps', 'gan_steps') for n in [getattr(s, k)]}); out = a.out/s.name; before = str(out/'generator.safetensors')
        data = sets(src, s.size, a.limit, cifar(a.data, s.size) if s.data.endswith('cifar10') else None); same_run(out, s, data[2]['split_sha256'])
        if not (out/'summary.json').exists():
            try: train(s, out, data, resume=(out/'config.json').exists(), progress=_bar, say=_say, argv=['tools/weights.py'])
            except Interrupted as e: sys.exit(e.code)
    choose_and_ship(a, src)

def score(ab, L, true, k=1.):
    "Mean CIEDE2000 and colourfulness of an answer with a factor, in batches."
    from colorgan.color import L_ab2rgb, colorfulness
    from colorgan.metrics import ciede2000
    out = [(ciede2000(p := L_ab2rgb(l, (y*k).clamp(-1, 1)), t), colorfulness(p)) for y, l, t in zip(ab.split(64), L.split(64), true.split(64))]
    return [torch.cat(o).mean().item() for o in zip(*out)]

def as_colourful(want, L, true, mean):
    "The factor on the mean ab that paints photos as colourful as `want`, and its CIEDE2000."
    from colorgan.color import L_ab2rgb, colorfulness
    lo, hi = 0., 60.; flat = torch.tensor(mean).view(1, 2, 1, 1).expand(len(L), 2, *L.shape[2:]); much = lambda k: torch.cat([colorfulness(L_ab2rgb(l, (y*k).clamp(-1, 1))) for y, l in zip(flat.split(64), L.split(64))]).mean().item()
    for _ in range(12): mid = (lo + hi)/2; lo, hi = (mid, hi) if much(mid) < want else (lo, mid)
    return (lo, score(flat, L, true, lo)[0]) if hi < 60 else (None, score(flat, L, true, lo)[0])      # none is so colourful: its limit

def squares_of(src, part, size, n):
    from colorgan.color import rgb2L_ab
    digs = src[part].digests(); first = sorted(range(len(digs)), key=lambda i: digs[i] or '')[:n]      # by content: by name they would all be buildings
    x = prepare(src[part].subset(first), size, 'crop'); x = x.take(range(len(x))).float()/255; return (x, *rgb2L_ab(x))

def half_as_colourful(G, src, n=100, size=96):
    "The factor, in hundredths, that makes the answer to validation photos half as colourful as the truth, in the mean over the kinds."
    from colorgan.color import L_ab2rgb, colorfulness
    sq = [squares_of(o, 'valid', size, n) for o in src.values()]
    with torch.inference_mode(): ys = [torch.cat([G(l) for l in L.split(64)]) for _, L, _ in sq]
    much = lambda k, of: sum(torch.cat([colorfulness(L_ab2rgb(l, (y*k).clamp(-1, 1))) for y, l in zip(o.split(64), L.split(64))]).mean().item() for o, (_, L, _) in zip(of, sq))
    want, lo, hi = much(1, [ab for _, _, ab in sq])/2, .25, 4.
    for _ in range(10): mid = (lo + hi)/2; lo, hi = (mid, hi) if much(mid, ys) < want else (lo, mid)
    return math.ceil(hi*100)/100

def curve(G, src, part, factors, n, size=96):
    "Per kind: truth's and grey's scores, and of each factor: CIEDE2000, colourfulness, the equally colourful tint's CIEDE2000."
    out = {}
    for kind in src:
        x, L, ab = squares_of(src[kind], part, size, n); mean = ab.mean((0, 2, 3)).tolist()
        with torch.inference_mode(): y = torch.cat([G(l) for l in L.split(64)])
        rows = []
        for k in factors: c, m = score(y, L, x, k); at, tint = as_colourful(m, L, x, mean); rows.append(dict(factor=k, ciede2000=c, colorfulness=m, tint=tint, tint_reached=at is not None))
        out[kind] = dict(n=len(x), grey=score(y, L, x, 0.)[0], truth=score(ab, L, x)[1], rows=rows)
    return out

def ways(G, src, n=100, size=96):
    "{way: {kind: CIEDE2000}} of validation photos, painted half as colourful as the truth in ways that change the bare answer."
    from colorgan.color import L_ab2rgb, colorfulness
    out = {}
    for kind in src:
        x, L, ab = squares_of(src[kind], 'valid', size, n); mean = ab.mean((0, 2, 3)).view(1, 2, 1, 1)
        with torch.inference_mode(): y = torch.cat([G(l) for l in L.split(64)]); both = (y + torch.cat([G(l.flip(3)).flip(3) for l in L.split(64)]))/2
        c = y.norm(dim=1, keepdim=True).clamp_min(1e-6); want = score(ab, L, x)[1]/2; much = lambda o: torch.cat([colorfulness(L_ab2rgb(l, q.clamp(-1, 1))) for q, l in zip(o.split(64), L.split(64))]).mean().item()
        forms = {'times a factor': lambda k: y*k, "the mean with its mirror image's, times a factor": lambda k: both*k, 'chroma to the power of 1.5': lambda k: y*c**.5*k, 'chroma to the power of 3': lambda k: y*c**2*k, 'chroma that bends towards 33': lambda k: y/c*.3*torch.tanh(c*k/.3), 'times a factor, the mean colour added': lambda k: y*k + mean}
        for way, f in forms.items():
            lo, hi = 0., 100.
            for _ in range(16): mid = (lo + hi)/2; lo, hi = (mid, hi) if much(f(mid)) < want else (lo, mid)
            out.setdefault(way, {})[kind] = score(f(hi), L, x)[0]
        out.setdefault('grey', {})[kind] = score(y, L, x, 0.)[0]
    return out

def add_ways(data):
    "`--ways`: into the card.json that is there."
    from colorgan.core import environment
    from colorgan.generator import load_weights
    f = ROOT/'data'/'weights'/'card.json'; c = json.loads(f.read_text('utf-8')); env = environment(['tools/weights.py', '--data', 'PHOTOS', '--ways']); write_json(f, c | dict(ways=ways(load_weights(f.with_name(c['file'])), sources(data)), ways_environment=env))

def choose_and_ship(a, src):
    "Apply the rule, write the file and its card's figures."
    from colorgan.core import environment
    env = environment(['tools/weights.py', '--data', 'PHOTOS'])      # as it is before anything is written
    from colorgan.colorize import Colorizer
    from colorgan.evaluate import evaluate, paint
    from colorgan.generator import load_weights, save_weights
    import hashlib
    found = []
    for s in stages:
        G = load_weights(a.out/s.name/'generator.safetensors'); k = half_as_colourful(G, src); c = curve(G, src, 'valid', [k], 100).values(); one = [o['rows'][0] for o in c]
        m = {q: sum(o[q] for o in one)/len(one) for q in ('ciede2000', 'colorfulness', 'tint')} | {q: sum(o[q] for o in c)/len(c) for q in ('grey', 'truth')}
        found.append(dict(stage=s.name, factor=k, **m, allowed=m['ciede2000'] < min(m['grey'], m['tint']), on_each=all(r['ciede2000'] < min(o['grey'], r['tint']) for o, r in zip(c, one)))); print(found[-1], flush=True)
    best = min([f for f in found if f['on_each']] or [f for f in found if f['allowed']] or found, key=lambda f: f['ciede2000']); print('chosen:', best['stage'], flush=True)
    out = a.out/'trial' if a.limit or a.steps != 1 else ROOT/'data'/'weights'; out.mkdir(parents=True, exist_ok=True); G = load_weights(a.out/best['stage']/'generator.safetensors'); meta = {k: v for k, v in G.meta.items()} | dict(run=best['stage'], size=96, saturation=best['factor'], licence='research use: learnt from photos of the Intel Image Classification set, BSDS500, ImageNet and CIFAR-10')
    save_weights(out/ships, G, store='int8', **meta); small, sha = Colorizer.from_file(out/ships), hashlib.sha256((out/ships).read_bytes()).hexdigest()
    whole = Colorizer(load_weights(a.out/best['stage']/'generator.safetensors'), 96, saturation=best['factor']); logs = {s.name: json.loads((a.out/s.name/'summary.json').read_text()) for s in stages}; tests = {}
    for kind in src:
        rep = evaluate(src[kind]['test'], small, progress=None); rows = rep['rows']; full = evaluate(src[kind]['test'], whole, limit=200)['rows']['model'] if len(src[kind]['test']) > 200 else evaluate(src[kind]['test'], whole)['rows']['model']; q = evaluate(src[kind]['test'], small, limit=200)['rows']['model'] if len(src[kind]['test']) > 200 else rows['model']
        x, L, ab = squares_of(src[kind], 'test', 96, 300); k, tint = as_colourful(rows['model']['colorfulness'], L, x, ab.mean((0, 2, 3)).tolist())
        tests[kind] = dict(rows=rows, tint_ciede2000=tint, shrunk_minus_whole=q['ciede2000'] - full['ciede2000'], photos_sha256=rep['protocol']['photos_sha256'])
    write_json(out/'card.json', dict(file=ships, sha256=sha, bytes=(out/ships).stat().st_size, chosen=best, candidates=found, curve=curve(load_weights(out/ships), src, 'test', [0.] + [round(.25*i, 2) for i in range(1, 11)], 150), tests=tests, training={k: {q: v.get(q) for q in ('steps', 'ended', 'kept', 'images_seen', 'seconds', 'images_per_s', 'device', 'precision', 'valid')} for k, v in logs.items()}, environment=env))
    print(f'{out/ships}: sha256 {sha}. If that is to ship: give it a new name (an installed colorgan looks for the old one), put name and sum into nbs/10_colorize.ipynb, run --ways, describe its pictures in `looked_at` here, then --card')

def write_card():
    "data/weights/README.md and its pictures, from card.json and the file itself."
    from colorgan.colorize import Colorizer
    from colorgan.color import rgb2L_ab
    from colorgan.core import show_images
    from colorgan.data import get_source
    from colorgan.evaluate import paint
    out = ROOT/'data'/'weights'; c = json.loads((out/'card.json').read_text('utf-8')); cz, photos = Colorizer.from_file(out/c['file'], device='cpu', precision='fp32'), get_source('skimage'); ims = [photos.read(i) for i in range(len(photos))]
    grey = [paint(rgb2L_ab(torch.from_numpy(im.transpose(2, 0, 1).copy())[None])[0], (0, 0))[0].permute(1, 2, 0).contiguous().numpy() for im in ims]
    show_images([grey, [cz(g) for g in grey], ims], [Path(n).stem for n in photos.names], size=1.7, path=out/'samples.jpg')
    seen = looked_at.get(c['sha256'][:8])
    if seen is None: raise ColorganError(f"{out/'samples.jpg'} is new: look at it, and say in `looked_at` what {c['sha256'][:8]} does")
    f = lambda v, n=2: '–' if v is None else f'{v:.{n}f}'; b, tr = c['chosen'], c['training']; kinds = dict(scenes='scenes/test: six kinds of outdoor scenes, 100 px', nature='BSDS500, the test part', objects='ImageNet, one photo of a class, the test part'); lines = []
    for k, t in c['tests'].items():
        r = t['rows']; m, g = r['model'], r['grey']; yes = m['ciede2000'] < g['ciede2000'] and m['ciede2000'] < t['tint_ciede2000'] and m['colorfulness'] >= r['truth']['colorfulness']/2
        lines.append(f"| {kinds[k]} | {m['n']} | {f(g['ciede2000'])} | {f(r['mean_ab']['ciede2000'])} | {f(t['tint_ciede2000'])} | **{f(m['ciede2000'])}** | {f(r['truth']['colorfulness'], 1)} | {f(m['colorfulness'], 1)} | {f(g['psnr'])} | {f(m['psnr'])} | {'yes' if yes else 'no'} |")
    rows = ['| factor | ' + ' | '.join(f'{k}: CIEDE2000 | tint | colourfulness' for k in c['curve']) + ' |', '| ---: |' + ' ---: |'*3*len(c['curve'])] + [f"| {rs[0]['factor']:.2f} | " + ' | '.join(f"{f(x['ciede2000'])} | {f(x['tint'] if x.get('tint_reached', x['tint'] is not None) else None)} | {f(x['colorfulness'], 1)}" for x in rs) + ' |' for rs in zip(*(v['rows'] for v in c['curve'].values()))]
    tried = ['| way | ' + ' | '.join(c['curve']) + ' |', '| --- |' + ' ---: |'*len(c['curve'])] + [f"| {w} | " + ' | '.join(f(o[k]) for k in c['curve']) + ' |' for w, o in c['ways'].items()] if 'ways' in c else []
    each = sum(x.get('on_each', False) for x in c['candidates']); on_each = '' if 'on_each' not in c['candidates'][0] else f", on each of the three kinds of photos by itself ({each} of {len(c['candidates'])} candidates)" if each else ', on the mean over the kinds, since no candidate does on each by itself'
    text = f"""# {c['file']}

The weights that `colorgan colorize` uses when none are named. {c['bytes']/1e6:.1f} MB, sha256 `{c['sha256']}`. Made and measured by `python tools/weights.py --data PHOTOS`; this page is written from `card.json` by `python tools/weights.py --card`.

![grey, coloured, true](samples.jpg)

None of these eight was trained on. {seen['pictures']}

## What it is

`generator=lean`, nf = 48, dropout 0.2: a ResNet-18's shape, narrower, with a decoder that stops at half the size; 8.2 million weights, the kernels stored in 8 bits with a scale for each channel. Trained from random weights, without ImageNet, on {tr[b['stage']]['device']} in {tr[b['stage']]['precision']}: {', '.join(f"{s}: {v['steps']['pretrain']} steps of L1 and {v['steps']['gan']} of GAN{'' if v.get('ended') in (None, sum(v['steps'][q] for q in ('pretrain', 'gan'))) else ', ended after ' + str(v['ended'])}, {v['images_seen']:,} squares in {v['seconds']/60:.0f} minutes" for s, v in tr.items())}. The machine was shared with other work. The photos' L* goes in; photos are shown to it with as many pixels as a square of 96 has.

**Data.** The scenes of the *Intel Image Classification* set (train part), BSDS500's val and test photos, one photo of each of 850 ImageNet classes, and CIFAR-10's training photos, upscaled. Of BSDS500 and ImageNet 150 each, by hash, are the test part ([manifest](../manifests/photos.csv)); they and `scenes/test` were never trained on{seen.get('but', '')}, and photos with a colourfulness under 5 were left out of training. **Licence of these weights: research use only**, as the photos' own.

**The rule of choice** (at the top of `tools/weights.py`): each stage's end, with the factor on its colours that makes it half as colourful as the truth on validation photos; of those whose CIEDE2000 is below grey's and below that of a plain tint as colourful{on_each}, the least CIEDE2000. It chose {b['stage']} with a factor of {b['factor']:.2f}: CIEDE2000 {f(b['ciede2000'])} (grey {f(b['grey'])}, tint {f(b['tint'])}), colourfulness {f(b['colorfulness'], 1)} (truth {f(b['truth'], 1)}). The others: {', '.join(f"{x['stage']} {f(x['ciede2000'])} with {x['factor']:.2f}{'' if x['allowed'] else ' (not allowed)'}" for x in c['candidates'] if x is not b and x['stage'] != b['stage'])}.{seen.get('stages', '')}

## What it scores

Each photo at its own size, through `colorgan evaluate`. *tint*: the set's mean colour, made as colourful as the answer (on 96-pixel squares of up to 300 of the photos).

| test photos | n | grey | mean ab | tint | model: CIEDE2000 ↓ | truth's colourfulness | model's | grey's PSNR | model's | below grey and tint, half as colourful |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{chr(10).join(lines)}

Storing it in 8 bits changes CIEDE2000 by {', '.join(f"{t['shrunk_minus_whole']:+.4f} ({k})" for k, t in c['tests'].items())}.

## More or less colour

`--saturation` is a factor on top of the one above. Here the factor is on the bare answer, on 96-pixel squares of at most 150 test photos of each kind.

{chr(10).join(rows)}

## What was tried on objects

Other ways to paint validation photos half as colourful as the truth, with this file's bare answers: CIEDE2000 (`--ways`).

{chr(10).join(tried)}

## Where it fails

{chr(10).join('- ' + o for o in seen['fails'])}
- Old film saw blue and red differently; the network was trained on the L* of digital colour photos.

# classifier-scenes.safetensors

A ResNet-18 that tells the six kinds of scenes apart, trained by `colorgan reproduce classifier-scenes` ([its record](../../results/classifier-scenes-s0)), kernels in 8 bits. It paints nothing: it is the encoder of `encoder-scenes`, and its features are what every `fd_own` in `results/` is measured with, so that they can be compared. Research use only, as its photos.
"""
    (out/'README.md').write_text(text, encoding='utf-8')

if __name__ == '__main__':
    try: write_card() if sys.argv[1:] == ['--card'] else main()
    except ColorganError as e: sys.exit(f'weights: {e}')
