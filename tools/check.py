"""What `make test` does (`--all`: `make test-all`): on a copy of the checkout, are the notebooks clean, the library and the README in step with them, does every notebook run, and does the command work?
Every part is run even if one fails; the exit status is 1 if any did."""
import csv, html, json, re, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from common import ROOT, copy_checkout, notebooks, options, quiet_env, test_flags, to_run

failed, took = [], {}
def fail(part, what): failed.append(f'{part}: {what}'); print(f'  ✗ {what}', flush=True)

def part(name, why):
    def wrap(fn):
        print(f'{name}: {why}', flush=True); n, t = len(failed), time.time()
        try: fn()
        except Exception as e: fail(name, f'{type(e).__name__}: {e}')
        took[name] = time.time() - t; print(f"  {'ok' if len(failed) == n else 'FAILED'} ({took[name]:.0f} s)", flush=True)
    return wrap

def changed(root, *paths): return subprocess.run(['git', 'status', '--porcelain', '--', *paths], cwd=root, capture_output=True, text=True).stdout.split('\n')
def run(root, *a):
    r = subprocess.run(a, cwd=root, env=quiet_env(root), capture_output=True, text=True)
    if r.returncode: raise RuntimeError(f"{' '.join(a)} ended with {r.returncode}: {(r.stderr or r.stdout).strip()[-400:]}")

def main():
    everything = options(__doc__, '--all').all
    root = copy_checkout(Path(tempfile.mkdtemp(prefix='colorgan-check-'))); nbs = notebooks(root); lib = root/'colorgan'

    @part('clean', 'nbdev_clean changes no notebook')
    def _():
        run(root, 'nbdev_clean')
        for l in changed(root, 'nbs'):
            if l.strip(): fail('clean', f'{l[3:]} is not clean: run nbdev_clean')

    @part('export', 'the library is what the notebooks export')
    def _():
        run(root, 'nbdev_export')
        for l in changed(root, 'colorgan'):
            if l.strip(): fail('export', f'{l[3:]} is stale: run nbdev_export')
        made = {m for p in nbs for m in re.findall(r'^#\| ?default_exp (\S+)', '\n'.join(''.join(c['source']) for c in json.loads(p.read_text('utf-8'))['cells']), re.M)}
        for f in lib.glob('*.py'):
            if f.stem not in made | {'__init__', '_modidx'}: fail('export', f'colorgan/{f.name} has no notebook')

    @part('readme', 'README.md is what nbs/index.ipynb makes')
    def _():
        run(root, sys.executable, 'tools/readme.py')
        for l in changed(root, 'README.md', 'README_files'):
            if l.strip(): fail('readme', f'{l[3:]} is stale: run make readme')

    @part('hygiene', 'no big files, nothing unfinished, nothing unsafe')
    def _():
        for t in ('colab', 'pins', 'licences'):
            r = subprocess.run([sys.executable, f'tools/{t}.py', '--check'], cwd=root, capture_output=True, text=True)
            if r.returncode: fail('hygiene', r.stdout.strip() or r.stderr.strip()[-300:])
        names = subprocess.run(['git', 'ls-files', '-z'], cwd=root, capture_output=True, check=True).stdout.decode().split('\0')
        if (w := sum((root/n).stat().st_size for n in names if n.startswith('data/weights/'))) > 24*2**20: fail('hygiene', f'data/weights holds {w/2**20:.1f} MiB, of 24')
        for n in filter(None, names):
            if (root/n).stat().st_size > 1.5e6 and not n.startswith('data/weights/'): fail('hygiene', f'{n} is {(root/n).stat().st_size/1e6:.1f} MB')
            if n.startswith('colorgan/') and (m := re.search(r'\b(TODO|FIXME|NotImplementedError|pickle\.loads?\b|weights_only\s*=\s*False|allow_pickle\s*=\s*True|shell\s*=\s*True|load_learner|export\.pkl)', (root/n).read_text('utf-8'))): fail('hygiene', f'{n} has {m[1]}')

    @part('breaks', 'each that tools/mutants.json lists has its place in its notebook, and results/mutants.md tells of that one')
    def _():
        code = {p.stem: '\n'.join(''.join(c['source']) for c in json.loads(p.read_text('utf-8'))['cells'] if c['cell_type'] == 'code' and re.search(r'^#\| ?export', ''.join(c['source']), re.M)) for p in nbs}; ms = json.loads((root/'tools'/'mutants.json').read_text('utf-8')); key = lambda m: tuple(m[k] for k in ('notebook', 'name', 'old', 'new')); told = {key(m): m['caught'] for m in json.loads((root/'results'/'mutants.json').read_text('utf-8'))}
        for m in ms:
            if (n := code.get(m['notebook'], '').count(m['old'])) != 1: fail('breaks', f"{m['notebook']}: {m['name']}: what it changes occurs {n} times")
            elif not told.get(key(m)): fail('breaks', f"{m['notebook']}: {m['name']}: results/mutants.json does not say that it was caught; run tools/mutants.py \"{m['name']}\"")

    @part('records', 'every record in results/ is whole, and from a clean tree')
    def _():
        dirs = sorted(p for p in (root/'results').glob('*-s[0-9]*') if p.is_dir()); told = {d.name[:-3]: json.loads((d/'summary.json').read_text('utf-8')) for d in dirs if d.name.startswith('classifier-') and (d/'summary.json').is_file()}; sums = {o['weights_sha256'] for o in told.values()}
        for f in sorted((root/'data'/'weights').glob('classifier-*.safetensors')):      # one that ships says in its header of which training it is, to the last digit of its loss
            with f.open('rb') as h: about = json.loads(json.loads(h.read(int.from_bytes(h.read(8), 'little')))['__metadata__']['about'])
            if f.stem in told and all(about[k] == told[f.stem][k] for k in ('photos', 'steps', 'loss', 'accuracy')): sums.add(sha256(f.read_bytes()).hexdigest())
            else: fail('records', f'data/weights/{f.name} is not of the training that results/{f.stem}-s0 records')
        for d in dirs:
            want = ['config.json', 'data.json', 'env.json', 'summary.json'] + (['metrics.jsonl', 'photos.csv', 'samples.jpg'] if not d.name.startswith('classifier-') else [])
            for f in want:
                if not (d/f).is_file(): fail('records', f'results/{d.name} has no {f}')
            env, s = (json.loads((d/f).read_text('utf-8')) if (d/f).is_file() else {} for f in ('env.json', 'summary.json'))
            for e in (env, s.get('protocol', {}).get('environment', env)):      # of the training, and of the measuring
                if e.get('dirty') is not False or not e.get('commit'): fail('records', f'results/{d.name} is not from a clean tree')
            if (d/'photos.csv').is_file():      # a number that was changed by hand no longer is the mean of its photos
                ps = list(csv.DictReader((d/'photos.csv').open(encoding='utf-8')))
                for row, k, c in (('model', 'ciede2000', 'ciede2000'), ('grey', 'ciede2000', 'grey_ciede2000'), ('model', 'colorfulness', 'colorfulness'), ('truth', 'colorfulness', 'true_colorfulness')):
                    if abs(sum(float(o[c]) for o in ps)/len(ps) - s['rows'][row][k]) > .001: fail('records', f"results/{d.name}: {row}'s {k} is not the mean of its photos'")
            if re.search(r'"/(?!/)', ''.join((d/f).read_text('utf-8') for f in want if f.endswith('.json'))): fail('records', f'results/{d.name} names a folder of one machine')
            for k in ('encoder_sha256', 'fd_own_features'):      # a classifier that nobody recorded cannot be asked what it knows
                if s.get(k) and s[k] not in sums: fail('records', f"results/{d.name}: {k} {s[k][:8]}… is no recorded classifier's")
            if f"{s.get('experiment')}-s{s.get('seed')}" != d.name: fail('records', f"results/{d.name} says that it is {s.get('experiment')}, seed {s.get('seed')}")

    @part('reliability', 'its records are from clean trees')
    def _():
        for f in sorted((root/'results'/'reliability').glob('*.json')):
            env = json.loads(f.read_text('utf-8')).get('env', {})
            if env.get('dirty') is not False or not env.get('commit'): fail('reliability', f'{f.name} is not from a clean tree')

    @part('notebooks', f'all {len(nbs)} run, two at a time')
    def _():
        flags = test_flags(root); longest = sorted(nbs, key=lambda p: -sum(k in p.name for k in ('08_', '11_e', '07_', '10d_', '12_', '03_'))); done = []
        def one(p):
            r = subprocess.run([sys.executable, str(root/'tools'/'nbtest.py'), str(root), str(p)], cwd=root, env=quiet_env(root), capture_output=True, text=True, timeout=900)
            try: return p, json.loads(r.stdout.strip().split('\n')[-1])
            except ValueError: return p, dict(ok=False, ran=0, seconds=0, cell=None, error=r.stderr[-1500:], where=str(lib))
        with ThreadPoolExecutor(2) as ex:
            for p, o in ex.map(one, longest):
                name, want = p.relative_to(root).as_posix(), len(to_run(p, flags))
                if not o['ok']: fail('notebooks', f"{name}, cell {o['cell']}: {o['error'].strip()}")
                elif want == 0 or o['ran'] < want: fail('notebooks', f"{name}: only {o['ran']} of its {want} code cells ran")
                elif not Path(o['where']).is_relative_to(root): fail('notebooks', f'{name} ran against another colorgan')
                else: done.append(p); print(f"  ✓ {name}: {o['ran']} cells, {o['seconds']:.0f} s", flush=True)
        print(f'  {len(done)} of {len(nbs)} notebooks ran', flush=True)
        known = {l for l in (root/'nbs'/'SERIES').read_text().split() if l}; have = {p.relative_to(root/'nbs').as_posix() for p in nbs}
        if known != have: fail('notebooks', f'nbs/SERIES lists {sorted(known - have) or "all"} that are not there, and lacks {sorted(have - known) or "none"}')
        for n in (root/'nbs').rglob('.notest'): fail('notebooks', f'{n.relative_to(root)} hides notebooks from the tests')

    longest_first = 'test_survive', 'test_scale', 'test_cli', 'test_archive', 'test_export'; long = {'test_survive', 'test_scale', 'test_fastai', 'test_properties', 'test_archive'}; tests = [p for p in sorted((root/'tests').glob('test_*.py'), key=lambda p: (*longest_first, p.stem).index(p.stem)) if everything or p.stem not in long]

    @part('command', 'the tests of the command line' + (', of kills and bad files, of several processes' if everything else ' (--all adds those of kills, of bad files, of several processes)') + ', two files at a time')
    def _():
        total = 0
        def one(p): t = time.time(); r = subprocess.run([sys.executable, '-m', 'unittest', '-v', f'tests.{p.stem}'], cwd=root, env=quiet_env(root), capture_output=True, text=True, timeout=900); return p, r, time.time() - t
        with ThreadPoolExecutor(2) as ex:
            for p, r, s in ex.map(one, tests):
                n = re.search(r'Ran (\d+) tests?', r.stderr); skip = re.findall(r"skipped '?\"?(.+?)'?\"?$", r.stderr, re.M)
                if r.returncode or not n or n[1] == '0' and not skip: fail('command', f'tests/{p.name}: {r.stderr.strip()[-3000:]}')
                else: total += int(n[1]); print(f"  ✓ tests/{p.name}: {n[1]} tests, {s:.0f} s" + (f', some skipped: {skip[0]}' if skip else ''), flush=True)
        print(f'  {total} tests', flush=True)

    if everything:
        @part('site', 'it can be built, every link in it leads somewhere, no page fetches anything, and what one looks for is there')
        def _():
            site = root/'_site'; run(root, sys.executable, '-W', 'ignore', 'tools/build_site.py', str(site)); read = lambda *p: site.joinpath(*p).read_text('utf-8')
            cells = lambda row: tuple(html.unescape(re.sub(r'<.*?>', '', c)).strip() for c in re.findall(r'<t[dh].*?>(.*?)</t[dh]>', row, re.S)); table = lambda t: {cells(r) for r in re.findall(r'<tr>(.*?)</tr>', t, re.S)}
            for f in sorted(lib.glob('[a-z]*.py')):      # of each module a page, with a table from its docments
                if not any(len(r) == 3 and r[0] and r[2] for r in table(read('api', f.stem, 'index.html'))): fail('site', f'api/{f.stem} has no table of parameters')
            if ('path', '', 'an image file') not in table(read('api', 'colorize', 'index.html').partition('id="colorize_file"')[2].partition('<h2')[0]): fail('site', 'api/colorize does not describe what colorize_file takes')
            known = {o['location']: o['text'] for o in json.loads(read('search', 'search_index.json'))['docs']}
            for k in ('api/colorize/#colorize_file', 'notebooks/08_gan/'):
                if not known.get(k, '').strip(): fail('site', f'the search does not know {k}')
            rows = re.search(r'^\| system \|.*\n(?:\|.*\n)+', (root/'README.md').read_text('utf-8'), re.M)[0].splitlines(); there = table(read('index.html'))
            for r in rows[:1] + rows[2:]:
                if (c := tuple(re.sub(r'[*`]', '', o).strip() for o in r.strip('|').split('|'))) not in there: fail('site', f'the table of results on the first page has no row {c[0]}')

    import shutil; shutil.rmtree(root, ignore_errors=True)
    print('\n' + ('all is well' if not failed else f'{len(failed)} failed:\n' + '\n'.join(f'- {f}' for f in failed)) + f" ({sum(took.values()):.0f} s)")
    sys.exit(bool(failed))

if __name__ == '__main__': main()
