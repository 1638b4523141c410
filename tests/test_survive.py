"""Kills, full disks, two at once, bad files, bad losses: nothing lost, nothing let in. COLORGAN_LONG=FOLDER runs the long forms and records them there; COLORGAN_RECORD=FOLDER records the short ones. results/reliability holds such records.
A run is `colorgan train` in a forked process, so that one import serves them all; what happens to it is put in before it starts."""
import builtins, errno, io, json, os, random, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time, tokenize, unittest, warnings, zipfile, zlib
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
os.environ.setdefault('OMP_NUM_THREADS', '1')
import numpy as np
from PIL import Image

LONG = os.environ.get('COLORGAN_LONG'); RECORD = LONG or os.environ.get('COLORGAN_RECORD'); ROOT = Path(__file__).resolve().parent.parent
SETS = 'name=run generator=unet nf=8 size=32 patch=16 bs=4 dropout=.3 ema=.9 pretrain_steps=14 gan_steps=16 log_every=5 save_every=3 sample_every=8 keep=best precision=fp32 device=cpu n_valid=2 resize=crop crops=4'.split()

def record(name, test='test_survive', form='long' if LONG else 'short', **what):
    "What was tried, how often, and what was lost: printed, and kept if asked for."
    print(f'\n{name}: {json.dumps(what)[:600]}', flush=True)
    if RECORD:
        from colorgan.core import environment, write_json
        env = environment([f"COLORGAN_{'LONG' if LONG else 'RECORD'}=runs/reliability", 'python', '-m', 'unittest', f'tests.{test}']); write_json(Path(RECORD)/f'{name}.json', dict(what, form=form, test=f'tests/{test}.py', env={k: env[k] for k in ('commit', 'dirty', 'command', 'utc', 'python', 'cores', 'versions')}))

def child(argv, prepare=None, cwd=None, err='err', fn=None, most=1800 if LONG else 600):
    "Start `colorgan ARGV`, or `fn()`, in a fork; `prepare()` is called in it first. stderr goes to a file. After `most` seconds SIGALRM ends it: it hangs."
    pid = os.fork()
    if pid: return pid
    code = 99
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(most)
        fd = os.open(cwd/err, os.O_CREAT | os.O_WRONLY | os.O_TRUNC); os.dup2(fd, 2); os.dup2(fd, 1); sys.stdout, sys.stderr = (os.fdopen(i, 'w', buffering=1) for i in (1, 2)); os.chdir(cwd)
        if prepare: prepare()
        from colorgan.cli import main
        fn() if fn else main([str(a) for a in argv]); code = 0
    except SystemExit as e: code = e.code if isinstance(e.code, int) else 0
    except BaseException: import traceback; traceback.print_exc()
    finally:
        for f in (sys.stdout, sys.stderr): f.flush()
        os._exit(code)

def ended(pid): s = os.waitpid(pid, 0)[1]; return os.waitstatus_to_exitcode(s)

class Survive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import torch; torch.set_num_threads(1); import colorgan.cli, colorgan.gan, matplotlib.figure, skimage, sklearn, torch._dynamo
        warnings.filterwarnings('ignore'); cls.dir = Path(tempfile.mkdtemp(prefix='colorgan-survive-')); os.environ.update(COLORGAN_CACHE=str(cls.dir/'cache'), COLORGAN_OFFLINE='1'); from colorgan.data import get_source
        src = get_source('skimage'); cls.photos = cls.dir/'photos'; cls.photos.mkdir()
        for i, n in enumerate(src.names): Image.fromarray(src.read(i)).resize((90, 70)).save(cls.photos/f'{Path(n).stem}.png')
        import colorgan.gan as g, colorgan.pretrain as p; samples = g.sample_photos(32); g.sample_photos = lambda size: samples      # decoded once for all runs
        def draw(*a, path=None, **kw): path and (path.parent.mkdir(exist_ok=True), Image.new('RGB', (9, 9)).save(path))
        p.show_images, g.loss_curves = draw, lambda rows, path, *_: draw(path=path)      # pictures cost more than the training
        t = time.time(); cls.straight = cls.dir/'straight'; code = cls.train('straight'); cls.took = time.time() - t; assert code == 0, cls.err(); cls.truth = cls.end(cls.straight)

    def setUp(self): self.lost, self.odd = Counter(), []

    def told(self, name, **what): "Record what was counted; then let it be nothing."; record(name, **what); self.assertEqual(self.odd, [])
    def count(self, what, bad, text=''): self.lost[what] += (n := int(bad)); n and self.odd.append(f'{what}: {text}'); return n

    @classmethod
    def tearDownClass(cls): shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def start(cls, out, prepare=None, resume=False, sets=(), err='err'):
        a = ['train', '--out', out] + (['--resume'] if resume else ['--data', cls.photos]) + sum((['--set', s] for s in ([*sets] if resume else [*SETS, *sets])), []); return child(a, prepare, cls.dir, err)
    @classmethod
    def train(cls, out, prepare=None, resume=False, sets=()): return ended(cls.start(out, prepare, resume, sets))
    @classmethod
    def err(cls, name='err'): return (cls.dir/name).read_text('utf-8', 'replace')
    @classmethod
    def go_on(cls, out, sets=()):
        "Resume, or begin where the run never began."
        return cls.train(out, resume=True, sets=sets) if (cls.dir/out/'config.json').exists() else cls.train(out, sets=sets)
    @staticmethod
    def end(d): return ((d/'generator.safetensors').read_bytes(), [{k: v for k, v in json.loads(l).items() if k != 'images_per_s'} for l in (d/'metrics.jsonl').read_text().splitlines()])

    def one_line(self, *texts):
        lines = [l for l in self.err().replace('\r', '\n').splitlines() if l.startswith('colorgan: ')]; self.assertEqual(len(lines), 1, self.err()[-1500:]); self.assertNotIn('Traceback', self.err())
        for t in texts: self.assertIn(t, lines[0])
        return lines[0]

    def same_end(self, out, whole=True):
        "Count where a run ended otherwise than the straight one; 1 if nowhere."
        w, rows = self.end(self.dir/out); a, b = (Counter(json.dumps(o) for o in r) for r in (rows, self.truth[1])); lines = ((a - b) + (b - a)).total() or int(rows != self.truth[1]); self.assertGreater(json.loads((self.dir/out/'summary.json').read_text())['kept']['step'], 14)
        left = [p.name for g in ('.*', 'damaged-*') for p in (self.dir/out).glob(g)] if whole else []      # temporary files; checkpoints that were not whole
        return not self.count('log_lines', lines, out) + self.count('other_weights', w != self.truth[0], out) + self.count('left_lying', len(left), left)

    def at(self, out):
        from colorgan.pretrain import newest_checkpoint
        sd = newest_checkpoint(self.dir/out/'state.pt') if (self.dir/out).exists() else None; return None if sd is None else f"{sd['stage']} {sd['step']}"

    # --- killed ---

    def test_kill_anywhere(self):
        rnd, tried, moments, aimed, same = random.Random(1), [], *((30, 16) if LONG else (2, 2)), 0; n = moments + aimed
        def in_write(k):       # half of the k-th checkpoint, then the end
            def prepare():
                import colorgan.pretrain as p; real, seen = p.save_tensors, []
                def half(path, o):
                    seen.append(1); real(path, o)
                    if len(seen) == k: os.truncate(path, os.path.getsize(path)//2); os.kill(os.getpid(), signal.SIGKILL)
                p.save_tensors = half
            return prepare
        def in_rename(k):      # before or after the k-th time a file takes a name
            def prepare():
                real, seen = (os.replace, os.link), []
                def wrap(fn):
                    def f(*a, **kw):
                        seen.append(1); early = len(seen) == k and k % 2; early and os.kill(os.getpid(), signal.SIGKILL)
                        out = fn(*a, **kw); len(seen) == k and os.kill(os.getpid(), signal.SIGKILL); return out
                    return f
                os.replace, os.link = map(wrap, real)
            return prepare
        while (i := sum(o['killed'] for o in tried)) < n:
            k = i - moments; early = (k + k//2) % 2 == 0; out, kind = f'kill{len(tried)}', 'a random moment' if k < 0 else ('half a checkpoint', 'between two renames')[k % 2]; code = 0
            if kind == 'a random moment': pid = self.start(out); time.sleep(rnd.uniform(.02, .9)*self.took); os.kill(pid, signal.SIGKILL); code = ended(pid)
            else: code = self.train(out, {'half a checkpoint': in_write(rnd.randint(*((2, 5) if early else (8, 10)))), 'between two renames': in_rename(rnd.randint(*((2, 16) if early else (21, 30))))}[kind])
            at = self.at(out); tried.append(dict(kind=kind, killed=code == -9, checkpoint=at)); self.assertEqual(self.go_on(out), 0, self.err()[-1500:]); same += self.same_end(out); shutil.rmtree(self.dir/out)
            self.assertLess(len(tried), 2*n + 3)
        killed = [o for o in tried if o['killed']]; stages = lambda of: dict(Counter(o['checkpoint'].split()[0] if o['checkpoint'] else 'none' for o in of)); at_random = [o for o in killed if o['kind'] == 'a random moment']
        self.told('kill', tried=len(tried), killed=len(killed), random_moments=len(at_random), over_before_the_kill=len(tried) - len(killed), resumed_bit_identical=same, log_lines_twice_or_missing=self.lost['log_lines'], other_weights=self.lost['other_weights'], kinds=dict(Counter(o['kind'] for o in killed)), newest_checkpoint_when_killed=stages(killed), newest_checkpoint_at_random_moments=stages(at_random), runs=tried)
        self.assertLessEqual({'pretrain', 'gan'}, set(stages(at_random if LONG else killed)))

    def test_signals(self):
        n, codes, same = 6 if LONG else 1, [], 0
        for i in range(n):
            for sig, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
                out = f'sig{i}{code}'; pid = self.start(out)
                while not (self.dir/out/'state.pt').exists() and os.waitpid(pid, os.WNOHANG) == (0, 0): time.sleep(.02)
                time.sleep(.05*i); os.kill(pid, sig); self.assertEqual(ended(pid), code, self.err()[-800:]); self.one_line('--resume'); codes.append(code); self.assertEqual(self.go_on(out), 0); same += self.same_end(out)
        self.told('signals', tried=len(codes), checkpoint_one_line_and_status={str(c): codes.count(c) for c in (130, 143)}, resumed_bit_identical=same)

    def test_damaged_checkpoint(self):
        from colorgan.pretrain import read_checkpoint
        rnd, n, found, hit, same, refused = random.Random(2), 21 if LONG else 3, {1: 0, 2: 0}, {1: 0, 2: 0}, 0, 0; self.stop_after('hurt', 4); kept = {f.name: read_checkpoint(f)['step'] for f in sorted((self.dir/'hurt').glob('*.pt'))}; self.assertEqual(kept, {'state.pt': 12, 'state-1.pt': 9, 'state-2.pt': 6})
        for i in range(n):
            d = self.dir/f'hurt{i}'; shutil.copytree(self.dir/'hurt', d); k = 1 + (i % 3 == 2)      # the newest, or the two newest
            for f in (d/'state.pt', d/'state-1.pt')[:k]:
                b = bytearray(f.read_bytes())
                if i % 2: b = b[:rnd.randrange(len(b))]
                else: b[rnd.randrange(len(b)//10, len(b)*9//10)] ^= 1 << rnd.randrange(8)
                f.write_bytes(b)
            self.assertEqual(self.train(d.name, resume=True), 0, self.err()[-800:]); hit[k] += 1; found[k] += f'going on from state-{k}.pt' in self.err(); same += self.same_end(d.name, whole=False)
        noticed = sum(found.values()); self.assertGreaterEqual(noticed, n - max(1, n//10)); self.assertGreater(found[2], 0)      # a bit in the padding between tensors is no damage
        d = self.dir/'hurtall'; shutil.copytree(self.dir/'hurt', d); log = (d/'metrics.jsonl').read_bytes(); [f.write_bytes(b'no') for f in d.glob('*.pt')]
        for _ in range(2): self.assertEqual(self.train(d.name, resume=True), 2, self.err()); self.one_line('no checkpoint is whole'); refused += ((d/'metrics.jsonl').read_bytes(), sorted(f.name for f in d.glob('*.pt'))) == (log, sorted(kept))      # never from step 0
        self.told('damaged-checkpoint', tried=n, kept=kept, newest_damaged=hit[1], two_newest_damaged=hit[2], noticed_and_fell_back=noticed, not_damage_but_padding=n - noticed, resumed_bit_identical=same, all_three_damaged_refused=refused); self.assertEqual(refused, 2)

    def stop_after(self, out, k):
        def prepare():
            import colorgan.pretrain as p; real, seen = p.save_checkpoint, []
            def save(*a, **kw): real(*a, **kw); seen.append(1); len(seen) == k and os.kill(os.getpid(), signal.SIGKILL)
            p.save_checkpoint = save
        self.assertEqual(self.train(out, prepare), -9)

    # --- the disk ---

    def test_disk_full(self):
        def full(name, nth=1, no=errno.ENOSPC):
            def prepare():
                real_open, real_replace, real_mkdir, seen = builtins.open, os.replace, os.mkdir, []
                def check(p):
                    if isinstance(p, (str, os.PathLike)) and re.fullmatch(name, Path(p).name): seen.append(1); (len(seen) >= nth) and (_ for _ in ()).throw(OSError(no, os.strerror(no), str(p)))
                def op(f, mode='r', *a, **kw): (set(mode) & set('wa+x')) and check(f); return real_open(f, mode, *a, **kw)
                def rep(a, b, **kw): check(b); return real_replace(a, b, **kw)
                builtins.open = io.open = op; os.replace = rep
            return prepare
        def small(n):
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
        def half_a_line():
            from colorgan.core import RunRecord
            real, seen = RunRecord.log, []
            def log(self, **row):
                seen.append(1)
                if len(seen) < 4: return real(self, **row)
                with open(self.path/'metrics.jsonl', 'a') as f: f.write(json.dumps(row)[:20])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path/'metrics.jsonl'))
            RunRecord.log = log
        writes = {'a checkpoint (file-size limit)': small(600_000), 'the third checkpoint': full(r'state\.pt', 3), 'the log': full(r'metrics\.jsonl', 4)}
        if LONG: writes |= {'the photos in the record': full(r'data\.json'), 'the environment': full(r'env\.json'), 'settings': full(r'config\.json'), 'the plan': full(r'plan\.json'), 'the log, after half a line': half_a_line, 'a sample sheet': full(r'0000\d\d\.jpg', 2), 'the last sheet': full(r'samples\.jpg'), 'the curves': full(r'curves\.png'), 'the weights': full(r'generator\.safetensors'), 'the summary': full(r'summary\.json'),
                            'an unwritable checkpoint': full(r'state\.pt', 2, errno.EACCES), 'a read-only disk': full(r'metrics\.jsonl', 2, errno.EROFS), 'over quota': full(r'state\.pt', 5, errno.EDQUOT)}
        lines, same, clean = {}, 0, 0
        for i, (what, prepare) in enumerate(writes.items()):
            out = f'disk{i}'; self.assertEqual(self.train(out, prepare), 2, f'{what}: {self.err()[-1500:]}'); lines[what] = self.one_line().replace(str(self.dir), '…'); self.at(out); left = [p.name for p in (self.dir/out).glob('.*')]; clean += not self.count('left_lying', len(left), f'{what}: {left}')
            self.assertEqual(self.go_on(out), 0, f'{what}: {self.err()[-800:]}'); same += self.same_end(out)
        # squares: a memory map on a full disk would kill the process
        def fresh(n): return lambda: (os.environ.update(COLORGAN_CACHE=str(self.dir/'full')), resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
        def nospace():
            os.environ.update(COLORGAN_CACHE=str(self.dir/'full'))
            def no(*a): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.posix_fallocate = no
        for what, prepare in (('squares (file-size limit)', fresh(20_000)), ('squares', nospace)):
            self.assertEqual(self.train('squares', prepare), 2, self.err()[-1500:]); lines[what] = self.one_line().replace(str(self.dir), '…'); left = [p for p in (self.dir/'full').rglob('*') if p.is_file()] + [self.dir/'squares']*(self.dir/'squares').exists(); clean += not self.count('left_lying', len(left), f'{what}: {left}')
        for bad in ('/proc/no/such', self.photos/'china.png'/'run'): self.assertEqual(self.train(bad), 2); lines[f'a folder that cannot be ({"a file in the way" if "china" in str(bad) else "/proc"})'] = self.one_line().replace(str(self.dir), '…')
        self.told('disk', tried=len(lines), one_clear_line=sum(map(bool, lines.values())), begun=len(writes), resumed_bit_identical=same, could_leave_something=len(writes) + 2, nothing_left_lying=clean, lines=lines)

    def test_disk_full_elsewhere(self):
        "What the other commands write, under a limit on the size of a file: one line, and nothing left lying."
        w, photo = self.straight/'generator.safetensors', self.photos/'china.png'; small = lambda n: (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))); (d := self.dir/'elsewhere').mkdir(); lines, clean = {}, 0
        evaluate = ['evaluate', '--data', self.photos, '--weights', w, '--size', 32, '--device', 'cpu', '--out']; self.assertEqual(ended(child([*evaluate, self.dir/'report.json'], cwd=self.dir)), 0, self.err()[-800:]); n = [(self.dir/f'report{e}').stat().st_size for e in ('.json', '_photos.jsonl')]
        tried = {'colorize': (1, 2000, ['colorize', photo, '--weights', w, '--out', d, '--device', 'cpu']), 'colorize --in-place': (1, 2000, ['colorize', '--in-place', d/'in-place.png', '--weights', w, '--device', 'cpu']), 'evaluate --out': (1, n[0] - 100, [*evaluate, d/'report.json'])}
        self.assertGreater(n[1], n[0] + 100); tried["evaluate --out, the photos' scores"] = (1, n[0] + 50, [*evaluate, d/'scores.json'])
        if all(map(find_spec, ('onnx', 'onnxscript', 'onnxruntime'))): tried['export'] = (2, 50_000, ['export', '--weights', w, '--onnx', d/'g.onnx'])
        if find_spec('av'): a_clip(self.dir/'clip.mp4'); tried['colorize clip.mp4'] = (1, 2000, ['colorize', self.dir/'clip.mp4', '--weights', w, '--out', d, '--device', 'cpu'])
        for what, (code, most, argv) in tried.items():
            shutil.copy(photo, d/'in-place.png'); self.assertEqual(ended(child(argv, small(most), self.dir)), code, f'{what}: {self.err()[-1500:]}'); said = [l for l in self.err().replace('\r', '\n').splitlines() if 'too large' in l.lower()]; self.assertNotIn('Traceback', self.err())
            if not self.count('lines', len(said) != 1, f'{what}: {self.err()[-800:]}'): lines[what] = said[0].replace(str(self.dir), '…')
            whole = d/'scores.json'; before = what.endswith('scores') and json.loads(whole.read_text())['rows'] == json.loads((self.dir/'report.json').read_text())['rows']      # the report was written before, and is whole
            left = [p.name for p in d.rglob('*') if p.is_file() and p.name != 'in-place.png' and not (before and p == whole)] + ['in-place.png']*((d/'in-place.png').read_bytes() != photo.read_bytes()); clean += not self.count('left_lying', len(left), f'{what}: {left}'); shutil.rmtree(d); d.mkdir()
        self.told('disk-elsewhere', tried=len(tried), one_clear_line=len(lines), nothing_left_lying=clean, lines=lines)

    # --- two at once ---

    def test_two_in_one_folder(self):
        n, refused, disturbed = 3 if LONG else 1, 0, 0
        for i in range(n):
            out = f'two{i}'; a = self.start(out, lambda: self.slow(.03), err='err-a')
            while not (self.dir/out/'state.pt').exists() and os.waitpid(a, os.WNOHANG) == (0, 0): time.sleep(.02)
            for resume, texts in ((True, (f'another process ({a})', 'wait until it ends')), (False, ('exists already',))): code = self.train(out, resume=resume); refused += not self.count('let_in', code != 2, self.err()[-800:]) and bool(self.one_line(*texts))
            code = ended(a); disturbed += bool(self.count('first_run_ended', code != 0, self.err('err-a')[-800:]) or not self.same_end(out))
        self.told('two-in-one-folder', tried=2*n, refused_in_one_line=refused, let_in=self.lost['let_in'], first_run_disturbed=disturbed)

    def slow(self, s):
        import colorgan.pretrain as p; real = p.l1_step; p.l1_step = lambda *a: (time.sleep(s), real(*a))[1]

    def test_two_fill_one_cache(self):
        n, same, corrupt, truth = 3 if LONG else 1, 0, 0, {p.name: p.read_bytes() for p in (self.dir/'cache'/'squares').glob('*.npy')}
        def squares(cache): got = {p.name: p.read_bytes() for p in (cache/'squares').glob('*.npy')}; bad = sorted(k for k in got if got[k] != truth.get(k)); self.assertEqual(len(got), 2); return self.count('squares_corrupt', len(bad), bad)
        for i in range(n):
            cache = self.dir/f'shared{i}'
            def prepare():
                os.environ['COLORGAN_CACHE'] = str(cache); import colorgan.data as d; real = d.Source.image; d.Source.image = lambda *a: (time.sleep(.05), real(*a))[1]
            outs = [f'cache{i}{c}' for c in 'abc']; ps = [self.start(o, prepare, err=f'err-{o}') for o in outs]
            for o, p in zip(outs, ps): self.assertEqual(ended(p), 0, self.err(f'err-{o}')); same += self.same_end(o)
            files = sorted(p.suffix for p in (cache/'squares').iterdir()); self.assertEqual(files, ['.json', '.json', '.npy', '.npy'], files); corrupt += squares(cache)      # training and validation, once each
        # killed while it fills: the next one is not held up, and finds no half
        cache = self.dir/'half'
        def dies():
            os.environ['COLORGAN_CACHE'] = str(cache); import colorgan.data as d; real = d.square
            def sq(*a, **kw): sq.n += 1; sq.n == 9 and os.kill(os.getpid(), signal.SIGKILL); return real(*a, **kw)
            sq.n = 0; d.square = sq
        killed = int(self.train('half1', dies) == -9); self.assertTrue(killed); t = time.time(); code = self.train('half2', lambda: os.environ.update(COLORGAN_CACHE=str(cache))); t = time.time() - t; held = self.count('held_up', code == -signal.SIGALRM or t > 6*self.took + 30, f'{t:.0f} s'); self.assertEqual(code, 0, self.err()); half = self.same_end('half2'); corrupt += squares(cache); self.assertEqual([p.name for p in (cache/'squares').glob('.*')], [])
        self.told('shared-cache', groups=n, runs_at_once=3, all_bit_identical=same, squares_corrupt=corrupt, killed_while_filling=killed, next_run_held_up=held, next_run_bit_identical=int(half))

    # --- the same again ---

    def test_determinism(self):
        import hashlib
        n, other = 5 if LONG else 1, 0; sha = lambda o: hashlib.sha256((self.dir/o/'generator.safetensors').read_bytes()).hexdigest()
        for i in range(n): self.assertEqual(self.train(f'again{i}', sets=['deterministic=true'] if i % 2 == 0 else []), 0, self.err()); other += self.count('other_weights', sha(f'again{i}') != sha('straight'), i)
        self.assertEqual(self.train('other', sets=['seed=1']), 0); differs = sha('other') != sha('straight')
        self.told('determinism', same_seed_runs=n + 1, different_weights=other, with_deterministic=(n + 1)//2, another_seed_differs=differs); self.assertTrue(differs)

    # --- training that goes wrong ---

    def test_trouble(self):
        def spoil(step, what, times=1):
            def prepare():
                import colorgan.pretrain as p, colorgan.gan as g, torch; reals = p.l1_step, g.gan_step; left = [times]
                def wrap(fn, base):
                    def f(st, L, ab):
                        if base + st.step == step and left[0]: left[0] -= 1; what(st)
                        return fn(st, L, ab)
                    return f
                p.l1_step, g.gan_step = wrap(reals[0], 0), wrap(reals[1], 14)
            return prepare
        def nan(st): next(st.G.parameters()).data[0] = float('nan')
        def inf(st): next((st.D or st.G).parameters()).data[0] = float('inf')
        cases = [(9, nan, 'pretrain'), (20, inf, 'gan')] + ([(k, w, '') for k in (0, 13, 14, 29) for w in (nan, inf)] if LONG else []); late, same, back, warned = [], 0, 0, 0
        rows = lambda o: [json.loads(l) for l in (self.dir/o/'metrics.jsonl').read_text().splitlines()]
        for i, (step, what, _) in enumerate(cases):
            self.assertEqual(self.train(f'stop{i}', spoil(step, what), sets=['on_trouble=stop']), 2, self.err()); line = self.one_line('not finite', 'stopped'); late.append(int(re.search(r'step (\d+)', line)[1]) - step - 1)
            self.assertEqual(self.go_on(f'stop{i}'), 0, self.err()[-500:]); same += self.same_end(f'stop{i}')      # whole until then
            self.assertEqual(self.train(f'back{i}', spoil(step, what), sets=['on_trouble=rollback']), 0, self.err()[-1500:]); self.assertIn('of the rate', self.err()); s = json.loads((self.dir/f'back{i}'/'summary.json').read_text())
            b = s['rollbacks']; self.assertEqual([o['rate'] for o in b], [.5]); self.assertLessEqual(b[0]['step'], step); r = rows(f'back{i}'); self.assertEqual(sum('rollback' in o for o in r), 1); steps = [o['step'] for o in r if 'lr' in o]; self.assertEqual(steps, sorted(set(steps))); self.assertTrue(all(v is not None for o in r for v in o.values())); back += len(b)
        self.assertEqual(self.train('warned', spoil(9, nan)), 2, self.err()[-1500:]); self.assertEqual(self.err().count('not finite'), 1); self.assertIn('not a number, and is not kept', self.err()); self.assertFalse((self.dir/'warned'/'generator.safetensors').exists()); self.assertEqual(told := [o['trouble'] for o in rows('warned') if 'trouble' in o], ['not finite']); warned += len(told)
        self.assertEqual(self.train('often', spoil(9, nan, 99), sets=['on_trouble=rollback']), 2); self.one_line('after 3 rollbacks')
        # killed after a rollback: the rate, and the line in the log, are not forgotten
        def wins():      # D's losses at zero for four steps, once
            import colorgan.gan as g, colorgan.watch as w, torch; real, init, left = g.gan_step, w.Signs.__init__, [4]; w.Signs.__init__ = lambda self, s: init(self, s, won_for=4)
            def f(st, L, ab):
                out = real(st, L, ab)
                if st.step >= 6 and left[0]: left[0] -= 1; out |= dict(d_real=torch.zeros(()), d_fake=torch.zeros(()))
                return out
            g.gan_step = f
        self.assertEqual(self.train('won', wins, sets=['on_trouble=rollback']), 0, self.err()[-1500:]); b = json.loads((self.dir/'won'/'summary.json').read_text())['rollbacks']; self.assertEqual([(o['rollback'], o['rate']) for o in b], [('D has won', .5)]); self.assertLess(b[0]['step'], b[0]['from_step'] - 3); self.assertGreater(b[0]['step'], 14); self.assertIn(f"back to step {b[0]['step']}", self.err())
        def dies():
            spoil(9, nan)(); import colorgan.gan as g; real = g.gan_step
            def f(st, L, ab): st.step == 7 and os.kill(os.getpid(), signal.SIGKILL); return real(st, L, ab)
            g.gan_step = f
        self.assertEqual(self.train('killed', dies, sets=['on_trouble=rollback']), -9); self.assertEqual(self.go_on('killed'), 0, self.err()[-800:]); a, k = self.end(self.dir/'back0'), self.end(self.dir/'killed'); self.assertNotEqual(a[0], self.truth[0]); self.count('killed_after_rollback', a != k, 'otherwise than the one that was not killed')
        self.assertFalse([o for o in self.truth[1] if 'trouble' in o]); self.told('trouble', provoked=len(cases), noticed_steps_late=max(late), stopped_and_resumed_bit_identical=same, rolled_back=back, d_won_rolled_back=len(b), killed_after_rollback_bit_identical=1 - self.lost['killed_after_rollback'], warned=warned); self.assertEqual(max(late), 0)

    def test_trouble_policies(self):
        "A G that turns grey and a D that wins, in `colorgan train`, under each policy."
        rows, said, late = lambda o: [json.loads(l) for l in (self.dir/o/'metrics.jsonl').read_text().splitlines()], {}, []; at, sets = 45, 'pretrain_steps=120 gan_steps=0 pretrain_lr=4e-3 bs=8 crops=12 ema=0 keep=last log_every=1 save_every=40 sample_every=120'.split()
        def grey():      # a loss that asks for grey, until the state is another one
            import colorgan.pretrain as p; real, left = p.l1_step, [1]
            def step(st, L, ab):
                if st.step == at and left: left.pop(); st.pix = lambda pred, y: pred.abs().mean()
                return real(st, L, ab)
            p.l1_step = step
        def wins():      # what the rules see of D's losses is 0 for four steps
            import colorgan.watch as w; init, call, n = w.Signs.__init__, w.Signs.__call__, [0]; w.Signs.__init__ = lambda self, s: init(self, s, won_for=4)
            def see(self, row): n[0] += 'd_real' in row; return call(self, row | dict(d_real=0., d_fake=0.) if 'd_real' in row and 7 <= n[0] <= 10 else row)
            w.Signs.__call__ = see
        troubles = lambda o: [r['trouble'] for r in rows(o) if 'trouble' in r]; tell = lambda key, text: said.__setitem__(key, text.rpartition('img/s]')[2].replace(str(self.dir), '…'))
        for policy in ('warn', 'stop', 'rollback'):
            out = f'grey-{policy}'; code = self.train(out, grey, sets=[*sets, f'on_trouble={policy}']); self.assertEqual(code, 2 if policy == 'stop' else 0, self.err()[-1500:]); lines = [l for l in self.err().replace('\r', '\n').splitlines() if ': grey: ' in l]; self.assertEqual(len(lines), 1, self.err()[-1500:]); tell(f'grey, {policy}', lines[0]); step = int(re.search(r'step (\d+)', lines[0])[1]); r = rows(out)
            self.assertEqual(troubles(out), ['grey'] if policy == 'warn' else [])
            if policy == 'warn': gone = next(o['step'] for o in r if o['step'] > at and o.get('chroma', 1) < .1); self.assertEqual(r[-1]['step'], 120)
            late.append(step - gone)      # the same run until then
            if policy == 'stop': self.one_line('grey', 'stopped')
            if policy == 'rollback': b = json.loads((self.dir/out/'summary.json').read_text())['rollbacks']; self.assertEqual([(o['rollback'], o['step'], o['from_step'], o['rate']) for o in b], [('grey', 40, step, .5)]); self.assertIn('back to step 40', lines[0]); self.assertGreater([o['chroma'] for o in r if 'chroma' in o][-1], .2)
        self.assertEqual(self.train('d-won-warn', wins), 0, self.err()[-1500:]); self.assertEqual(troubles('d-won-warn'), ['D has won']); lines = [l for l in self.err().splitlines() if 'D has won' in l]; self.assertEqual(len(lines), 1); tell('D has won, warn', lines[0]); w, _ = self.end(self.dir/'d-won-warn'); self.count('other_weights', w != self.truth[0], 'd-won-warn')      # a warning changes nothing
        self.assertEqual(self.train('d-won-stop', wins, sets=['on_trouble=stop']), 2, self.err()[-1500:]); tell('D has won, stop', self.one_line('D has won', 'stopped')); self.assertEqual(self.go_on('d-won-stop'), 0, self.err()); same = self.same_end('d-won-stop')
        self.told('trouble-policies', provoked=len(said), grey_noticed_steps_after_below_a_tenth=max(late), warned_and_went_on_bit_identical=1 - self.lost['other_weights'], stopped_and_resumed_bit_identical=int(same), grey_rolled_back=len(b), said=said); self.assertLessEqual(max(late), 50)

    @unittest.skipUnless(LONG, 'COLORGAN_LONG=FOLDER runs it')
    def test_trouble_of_gans(self):
        "A D that wins, a G that turns grey, and healthy runs, in training proper."
        import colorgan.gan as g
        from colorgan.core import ColorganError, RunRecord, Settings, with_
        from colorgan.data import make_sets
        from colorgan.pretrain import TrainState, pretrain, read_checkpoint
        from colorgan.watch import Trouble, Watch
        base = Settings(generator='unet', nf=8, size=32, patch=16, bs=8, resize='crop', crops=12, n_valid=2, precision='fp32', device='cpu', ema=.9, log_every=10, pretrain_lr=3e-3, on_trouble='stop'); sets = make_sets(base, cache=False); alarms = {}
        for seed, kind in enumerate(('bce', 'lsgan', 'hinge')):
            s = with_(base, seed=seed, gan_loss=kind, pretrain_steps=200, gan_steps=300, on_trouble='warn'); g.train(s, d := self.dir/f'well{seed}{kind}', sets); alarms[f'{kind}, seed {seed}'] = [o['trouble'] for o in RunRecord(d, resume=True).rows() if 'trouble' in o]
        self.assertEqual(sum(map(len, alarms.values())), 0, alarms)
        won, back = {}, {}
        for kind in ('bce', 'lsgan', 'hinge'):      # G hardly moves, and D has all the time
            s = with_(base, gan_loss=kind, lambda_l1=0., lr=1e-9, lr_d=2e-3, gan_steps=1500); st = TrainState(s); g.start_gan(st); w = Watch(s)
            try: g.train_gan(st, sets[0], 1500, watch=w); won[kind] = None
            except Trouble as e: self.assertEqual(e.kind, 'D has won'); won[kind] = e.step
            self.assertTrue(won[kind], won); d = self.dir/f'won{kind}'      # and again in a run that may go back: it does, at most three times, each time to before the 50 steps in which D won, and then gives up
            with self.assertRaisesRegex(ColorganError, 'D has won.*(after 3 rollbacks|before every checkpoint)'): g.train(with_(s, pretrain_steps=10, save_every=40, on_trouble='rollback'), d, sets)
            r = read_checkpoint(d/'state.pt')['memo']['rollbacks']; self.assertEqual([(o['rollback'], o['rate']) for o in r], [('D has won', .5**(i + 1)) for i in range(len(r))]); self.assertTrue(r and all(o['step'] <= o['from_step'] - 50 for o in r), r); back[kind] = [[o['from_step'], o['step']] for o in r]
        s = with_(base, gan_loss='bce', lambda_l1=0., lr=1e-9, lr_d=2e-3, lr_decay=0., pretrain_steps=10, gan_steps=1500, save_every=40); said = {}      # the other policies, in a run from first to last
        with self.assertRaisesRegex(ColorganError, 'D has won.*; stopped. What was saved is whole') as e: g.train(s, d := self.dir/'won-stop', sets)
        said['D has won, stop'] = str(e.exception); at = int(re.search(r'step (\d+)', said['D has won, stop'])[1]); self.assertLess(10 + read_checkpoint(d/'state.pt')['step'], at); lines = []; g.train(with_(s, on_trouble='warn', gan_steps=at + 30), d := self.dir/'won-warn', sets, say=lines.append); lines = [l for l in lines if 'D has won' in l]; said['D has won, warn'] = lines[0]; self.assertIn(f'step {at}:', lines[0])
        self.assertEqual([o['trouble'] for o in RunRecord(d, resume=True).rows() if 'trouble' in o], ['D has won']*len(lines)); self.assertEqual(json.loads((d/'summary.json').read_text())['ended'], 40 + at)
        real, turned = g.gan_step, []; s = with_(base, lambda_l1=100., lr=2e-3, lr_d=1e-5, lr_decay=0., pretrain_steps=100, gan_steps=220, log_every=1, save_every=60, sample_every=320)
        def step(st, L, ab):
            if st.step == 65 and not turned: turned.append(1); st.pix = lambda pred, y: pred.abs().mean()      # from here on it is asked for grey, until the state is another one
            return real(st, L, ab)
        for policy in ('warn', 'stop', 'rollback'):
            turned.clear(); lines, d, g.gan_step = [], self.dir/f'grey-gan-{policy}', step
            try: o = g.train(with_(s, on_trouble=policy), d, sets, say=lines.append)
            except ColorganError as e: self.assertEqual(policy, 'stop', e); lines.append(str(e))
            finally: g.gan_step = real
            lines = [l for l in lines if ': grey: ' in l]; self.assertEqual(len(lines), 1, lines); said[f'grey, {policy}'] = lines[0]; at = int(re.search(r'step (\d+)', lines[0])[1]); rows = RunRecord(d, resume=True).rows(); self.assertEqual([r['trouble'] for r in rows if 'trouble' in r], ['grey'] if policy == 'warn' else [])
            if policy == 'warn': chroma = [(r['step'], r['chroma']) for r in rows if r.get('chroma') is not None and r['step'] > 165]; gone = next(n for n, c in chroma if c < .1); grey = at; self.assertLessEqual(at - gone, 50)
            self.assertEqual(at, grey)      # the same run until then
            if policy == 'rollback': self.assertEqual([(r['rollback'], r['step'], r['from_step'], r['rate']) for r in o['rollbacks']], [('grey', 160, at, .5)]); self.assertGreater([r['chroma'] for r in rows if r.get('chroma') is not None][-1], .2)
        self.told('trouble-gan', healthy_runs=len(alarms), alarms=sum(map(len, alarms.values())), steps_of_each=500, d_won_provoked=len(won) + 2, d_won_noticed_at_step=won, d_won_rolled_back_from_to=back, grey_provoked=3, grey_noticed_at_step=grey, grey_noticed_steps_after_below_a_tenth=grey - gone, said=said)

    # --- bad photos ---

    @unittest.skipUnless(Path('/proc').is_dir(), 'measures in /proc')
    def test_fuzzed_photos(self):
        import torch
        from colorgan.data import Batches, folder_source, prepare
        n = 1000 if LONG else 100; d = self.dir/'fuzz'; d.mkdir(); kinds = fuzz(d, n); src = folder_source(d); threads = (2, 1)
        def passes():      # in a process of its own: one that hangs can be ended, one that crashes is seen
            before, ps, grown, t = (rss(), fds()), [], [], time.time()
            for k in threads: os.cpu_count = lambda k=k: k; ps.append(prepare(src, 32, cache=False)); grown.append((rss() - before[0])/2**20)
            a, b = ps; same = sum(torch.equal(*(Batches(p, 8, seed=3)(i) for p in ps)) for i in range(50)); (self.dir/'passes').write_text(json.dumps(dict(names=a.names, skipped=a.skipped, same=(a.names, a.skipped) == (b.names, b.skipped) and bool((a.x == b.x)[a.rows].all()), batches=same, grown=grown[0], again=grown[1] - grown[0], fds=fds() - before[1], seconds=time.time() - t)))
        code = ended(child([], cwd=self.dir, fn=passes)); hung = self.count('hung', code == -signal.SIGALRM); crashed = self.count('crashed', code not in (0, -signal.SIGALRM), self.err()[-1500:])
        if code: self.told('fuzzed-photos', tried=n, kinds=kinds, crashed=crashed, hung=hung)
        o = json.loads((self.dir/'passes').read_text()); skipped = o['skipped']
        read, named = set(o['names']), [next((m for m in src.names if s.startswith(Path(m).name)), None) for s in skipped]; self.assertNotIn(None, named); self.assertEqual(len(read) + len(named), n); self.assertFalse(read & set(named)); self.assertTrue(all('\n' not in s and len(s) < 300 for s in skipped))
        bad = {k: sum(Path(m).name.startswith(k) for m in named) for k in kinds}; taken = self.count('taken', sum(kinds[k] - bad[k] for k in ('bomb', 'nothing', 'text', 'zero')), bad); self.count('good_left_out', bad['good'] + bad['thin'] + bad['mode'], [s for s in skipped if s.startswith(('thin', 'mode', 'good'))])
        self.count('squares', not o['same'], 'another number of threads, other squares'); self.count('batches', 50 - o['batches'])
        self.told('fuzzed-photos', tried=n, kinds=kinds, read=len(read), left_out_and_named=len(named), left_out_of_each_kind=bad, no_photo_but_read=taken, good_but_left_out=self.lost['good_left_out'], crashed=crashed, hung=hung, seconds=round(o['seconds'], 1), memory_grown_mb=round(o['grown']), memory_grown_by_a_second_pass_mb=round(o['again']), descriptors_leaked=o['fds'], threads=threads, squares_that_differ=self.lost['squares'], batches_compared=50, batches_that_differ=self.lost['batches']); self.assertLess(o['grown'], 400); self.assertLess(o['again'], 60); self.assertEqual(o['fds'], 0)

    def test_photos_that_change(self):
        "A photo that vanishes or changes while the squares are made: an error or a skip, by choice. Once they are made, no photo is read again."
        n, ended_in, taken = 3 if LONG else 1, dict(error=0, skip=0), 0
        def meddle(photos, how, victim):
            def prepare():
                import colorgan.data as d; os.environ['COLORGAN_CACHE'] = str(photos.with_suffix('.cache')); real = d.Source.image
                def read(src, i, *digest):      # between hashing and decoding: what comes later changes nothing that was read
                    f = Path(src.files[i])
                    if f.name == victim and f.exists(): f.unlink() if how == 'vanishes' else f.write_bytes((photos/'other').read_bytes())
                    return real(src, i, *digest)
                d.Source.image = read
            return prepare
        for i in range(n):
            for how in ('vanishes', 'changes'):
                for choice in ('error', 'skip'):
                    out = f'{how}-{choice}{i}'; photos = self.dir/f'photos-{out}'; shutil.copytree(self.photos, photos); Image.new('RGB', (40, 40), (200, 30, 60)).save(photos/'other', 'PNG'); victim = sorted(p.name for p in photos.glob('*.png'))[i]
                    code = ended(child(['train', '--out', out, '--data', photos] + sum((['--set', s] for s in (*SETS, f'on_change={choice}')), []), meddle(photos, how, victim), self.dir)); named = code == (2 if choice == 'error' else 0) and f'{victim}: has changed, or is gone' in self.err(); ended_in[choice] += named
                    if choice == 'skip' and named: why = json.loads((self.dir/out/'data.json').read_text()); named &= any(t.startswith(f'{victim}: ') for k in ('train', 'valid') for t in why[k]['skipped_why'])
                    elif named: self.one_line('set on_change=skip'); named = not (self.dir/out).exists()
                    taken += self.count('taken_unseen', not named, f'{out}: {self.err()[-500:]}')
        gone = self.dir/'photos-gone'; shutil.copytree(self.photos, gone)
        def later():
            import colorgan.pretrain as p; os.environ['COLORGAN_CACHE'] = str(self.dir/'gone.cache'); real = p.l1_step; p.l1_step = lambda st, *a: (st.step == 3 and shutil.rmtree(gone), real(st, *a))[1]
        self.assertEqual(ended(child(['train', '--out', 'gone', '--data', gone] + sum((['--set', s] for s in SETS), []), later, self.dir)), 0, self.err()[-800:]); self.assertFalse(gone.exists()); same = self.same_end('gone')
        self.told('changed-photos', tried=4*n, ended_in_one_line=ended_in['error'], left_out_and_named=ended_in['skip'], taken_unseen=taken, all_gone_after_the_first_epoch_bit_identical=int(same))

    def test_dying_workers(self):
        "Photos are decoded in threads, which die together with their process: the next run names what each of them was reading, and ends as if nothing had been."
        n, named, with_it, same, left = 0, 0, [], 0, 0; victims = sorted(p.name for p in self.photos.glob('*.png'))
        for how in (signal.SIGSEGV, signal.SIGKILL) + ((signal.SIGABRT, signal.SIGBUS, signal.SIGFPE) if LONG else ()):
            for victim in (victims if LONG else victims[n:n + 1]):
                n += 1; out, cache = f'dying{n}', self.dir/f'dying{n}.cache'
                def deadly():
                    import colorgan.data as d; os.environ['COLORGAN_CACHE'] = str(cache); real = d.Source.image
                    def read(src, i, *digest): src.names[i] == victim and (os.kill(os.getpid(), how), time.sleep(60)); return real(src, i, *digest)      # a decoder's own crash stops its thread at once; a signal that another thread takes does not
                    d.Source.image = read
                self.assertEqual(self.train(out, deadly), -how, self.err()[-800:])
                def after(): os.environ['COLORGAN_CACHE'] = str(cache); warnings.filterwarnings('default', message='.*an earlier run ended')
                self.assertEqual(self.train(out, after), 0, self.err()[-800:]); told = [m[1] for m in re.finditer(r'an earlier run ended while it read (.+?); should', self.err())]; there = [v for v in victims if any(v in t for t in told)]; named += not self.count('not_named', victim not in there, f'{victim}: {self.err()[-500:]}'); with_it.append(len(there) - (victim in there)); same += self.same_end(out); left += self.count('left_lying', sum(p.suffix == '.reading' or p.name[0] == '.' for p in (cache/'squares').iterdir()), out)
        self.told('dying-workers', tried=n, threads=os.cpu_count(), killed_photo_named=named, others_named_with_it=max(with_it), next_run_bit_identical=same, left_lying=left)

    # --- hostile files ---

    def test_hostile_files(self):
        from colorgan.core import ColorganError, load_settings
        from colorgan.generator import encoder_weights, load_weights
        from colorgan.pretrain import Features, read_checkpoint
        import torch; d = self.dir/'hostile'; d.mkdir(); files = hostile(d, (self.straight/'generator.safetensors').read_bytes(), (self.straight/'state.pt').read_bytes()); took, grew = {}, {}
        if find_spec('timm'): import timm      # once, not in each process
        base = min(alone(lambda: None, self.dir)[1] for _ in range(3))
        def refused(fn, f):
            try: fn(f)
            except ColorganError as e: sys.exit(0 if len(str(e).splitlines()) == 1 and len(str(e)) < 700 else f'{e}: not one line')
            sys.exit(3)
        def beside(f):      # a config that says nothing of use, beside weights that do
            from colorgan.hub import from_hub
            a, b = from_hub(f.parent, device='cpu').G.state_dict(), load_weights(f.parent/'model.safetensors').state_dict(); all(torch.equal(a[k], b[k]) for k in b) or sys.exit(4); raise ColorganError('its config was not asked')
        kinds = dict(weights=load_weights, checkpoint=read_checkpoint, settings=load_settings, features=Features, encoder=encoder_weights, hub=beside); n = 0
        for f, fn in files:
            name = f'{f.parent.name}/{f.name}' if fn == 'hub' else f.name; t = time.time(); code, most = alone(lambda: refused(kinds[fn], f), self.dir); took[name], grew[name] = time.time() - t, round(most - base, 1); self.count('let_in', code == 3, name); self.count('hung', code == -signal.SIGALRM, name); self.count('crashed', code not in (0, 3, -signal.SIGALRM), f'{name}: {code}: {self.err()[-800:]}'); n += 1
            if (d/'owned').exists(): self.count('commands_run', 1, name); (d/'owned').unlink()
        import pickle
        z = zipfile.ZipFile(d/'runs-a-command.pt'); pickle.loads(z.read(next(n for n in z.namelist() if n.endswith('data.pkl')))); self.assertTrue((d/'owned').exists(), 'that file runs nothing: it shows nothing'); (d/'owned').unlink()
        # a run's own files, meddled with
        for name, text in (('plan.json', '{"pretrain": 99999999, "gan": 1}'), ('plan.json', '['*100_000), ('data.json', '[]'), ('config.json', '{"bs": 1e99}'), ('config.json', '{"size": "../../etc"}')):
            o = self.dir/'meddled'; shutil.rmtree(o, ignore_errors=True); shutil.copytree(self.straight, o); (o/name).write_text(text); code = self.train('meddled', resume=True); n += 1; self.count('let_in', code == 0, f'{name}: {text[:40]}'); self.count('crashed', code not in (0, 2), self.err()[-800:]); code or self.one_line()
        self.told('hostile-files', tried=n, let_in=self.lost['let_in'], crashed=self.lost['crashed'], hung=self.lost['hung'], commands_run=self.lost['commands_run'], slowest_s=round(max(took.values()), 2), most_memory_mb=round(max(grew.values())), slowest=max(took, key=took.get), largest=max(grew, key=grew.get), memory_mb=grew, seconds={k: round(v, 2) for k, v in took.items()}); self.assertLess(max(took.values()), 30, took); self.assertLess(max(grew.values()), 120, grew)

    # --- patience ---

    @unittest.skipUnless(Path('/proc').is_dir(), 'measures in /proc')
    def test_short_soak(self):
        "Seconds of what `tools/soak.py` does for hours: it must see a leak of 1 MB a step."
        f = self.dir/'soak.json'; r = subprocess.run([sys.executable, ROOT/'tools'/'soak.py', '--seconds', '3', '--photos', '60', '--out', f], env=os.environ | dict(PYTHONPATH=str(ROOT), PYTHONWARNINGS='ignore'), capture_output=True, text=True, timeout=300); self.assertTrue(f.exists(), r.stderr[-1500:]); o = json.loads(f.read_text())
        record('soak-short', form='short', **{k: v for k, v in o.items() if k not in ('form', 'test', 'env')}); self.assertEqual((r.returncode, o['wrong']), (0, []), r.stderr[-800:])

    def test_no_unsafe_loads(self):
        "No file of the library opens what could run. One exception: the processes of one run send each other plain values through torch.distributed, which pickles them (`scale.py`); they are each other's, and run the same program."
        words = r'\b(c?[pP]ickle|cloudpickle|dill)\.(loads?|Unpickler)\b|\bUnpickler\b|\bjoblib\b|weights_only\s*=\s*False|load_learner|export\.pkl|\b(?<![.\w])eval\(|\bexec\(|yaml\.load\b|allow_pickle\s*=\s*True|shell\s*=\s*True|os\.(system|popen)|marshal|shelve|extractall|_object(_list)?\(|torch\.load\((?!.*weights_only=True)|read_pickle'
        def find(text):      # comments do not count; strings do, since some are programs
            lines = text.splitlines()
            for t in tokenize.generate_tokens(io.StringIO(text).readline):
                if t.type == tokenize.COMMENT: i, j = t.start; lines[i - 1] = lines[i - 1][:j]
            return [(i, m[0]) for i, l in enumerate(lines, 1) if (m := re.search(words, l))]
        for bad in ('pickle.load(f)', 'pickle.loads(b)', 'pickle.Unpickler(f).load()', 'from pickle import Unpickler', 'cloudpickle.loads(b)', 'import joblib', 'torch.load(f)', 'torch.load(f, weights_only=False)', 'np.load(f, allow_pickle=True)', 'load_learner(f)', 'x = eval(t)', 'exec(t)', "s = '#'; pickle.load(f)", 'run(c, shell=True)', 'os.system(c)', 'dist.gather_object(o)', 'pd.read_pickle(f)'): self.assertTrue(find(bad + '\n'), f'{bad} goes unseen')
        for good in ('torch.load(f, map_location="cpu", weights_only=True)', 'net.eval()', 'x = 1      # not pickle.load', 'np.load(f)', 'literal_eval(t)'): self.assertEqual(find(good + '\n'), [])
        files = sorted((ROOT/'colorgan').glob('*.py')); hits = [(f.name, w) for f in files for _, w in find(f.read_text('utf-8'))]; known = [('scale.py', '_object('), ('scale.py', '_object_list(')]
        self.assertEqual([h for h in hits if h not in known], []); self.assertEqual(sorted(hits), known); record('unsafe-loads', files=len(files), found=len(hits) - len(known), exceptions=[' '.join(h) for h in known])

def a_clip(path, n=12):
    "n frames of noise."
    import av
    rng = np.random.default_rng(0)
    with av.open(str(path), 'w') as f:
        v = f.add_stream('mpeg4', rate=12); v.width, v.height, v.pix_fmt = 64, 48, 'yuv420p'
        for _ in range(n): f.mux(v.encode(av.VideoFrame.from_ndarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8), format='rgb24')))
        f.mux(v.encode(None))

def rss(): return int(Path('/proc/self/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')
def alone(fn, cwd):
    "(exit status, the most memory in MB) of `fn()` in a process of its own."
    _, s, u = os.wait4(child([], cwd=cwd, fn=fn, most=60), 0); return os.waitstatus_to_exitcode(s), u.ru_maxrss/1024
def fds(): return len(os.listdir('/proc/self/fd'))

def fuzz(d, n, seed=0):
    "n photo files, most of them bad; how many of each kind."
    rnd, rng = random.Random(seed), np.random.default_rng(seed); kinds = {}; ramp = np.linspace(0, 255, 40).astype(np.uint8)
    fmts = [('jpg', 'JPEG', {}), ('png', 'PNG', {}), ('webp', 'WEBP', {}), ('tif', 'TIFF', dict(compression='tiff_lzw')), ('bmp', 'BMP', {}), ('gif', 'GIF', {}), ('ppm', 'PPM', {})]; modes = [('L', 'png'), ('LA', 'png'), ('RGBA', 'png'), ('P', 'png'), ('1', 'png'), ('I;16', 'png'), ('CMYK', 'jpg'), ('YCbCr', 'jpg'), ('I', 'tif'), ('F', 'tif'), ('LAB', 'tif')]
    def photo(h=30, w=40): a = rng.integers(0, 80, (h, w, 3)) + (np.resize(ramp, w)[None, :, None]*.6); return Image.fromarray(a.astype(np.uint8))
    def enc(im, fmt, **kw): b = io.BytesIO(); im.save(b, fmt, **kw); return b.getvalue()
    def png(w, h): c = lambda t, x: struct.pack('>I', len(x)) + t + x + struct.pack('>I', zlib.crc32(t + x)); return b'\x89PNG\r\n\x1a\n' + c(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0)) + c(b'IDAT', zlib.compress(bytes(10**5))) + c(b'IEND', b'')
    def blank(b, *at, n=2): b = bytearray(b); [b.__setitem__(slice(a, a + n), bytes(n)) for a in at]; return bytes(b)
    b, g, t, p, w = (enc(photo(), k) for k in ('BMP', 'GIF', 'TIFF', 'JPEG', 'WEBP')); at = g.index(b',', 13 + 3*(2 << (g[10] & 7))); tag = lambda k: next(t.index(e) + 8 for y in (3, 4) if (e := struct.pack('<HHI', k, y, 1)) in t); sof, vp8 = p.index(b'\xff\xc0'), w.index(b'\x9d\x01*')
    zeros = [('png', png(0, 30)), ('bmp', blank(b, 18, n=4)), ('gif', blank(g, 6, at + 5)), ('tif', blank(t, tag(256), n=4)), ('jpg', blank(p, sof + 7)), ('ppm', b'P6\n0 30\n255\n'), ('webp', blank(w, vp8 + 3)), ('png', png(40, 0)), ('bmp', blank(b, 22, n=4)), ('gif', blank(g, 8, at + 7)), ('tif', blank(t, tag(257), n=4)), ('jpg', blank(p, sof + 5)), ('ppm', b'P6\n40 0\n255\n'), ('webp', blank(w, vp8 + 5)), ('gif', blank(g, at + 5))]      # no width, then no height, as far as a format can say so
    for i in range(n):
        ext, fmt, kw = fmts[i % len(fmts)]; k = ('flip', 'cut', 'header', 'bomb', 'mode', 'thin', 'good', 'nothing', 'text', 'splice', 'zero')[i % 11]; j = i//11
        data = enc(photo(), fmt, **kw)
        if k == 'flip': b = bytearray(data); [b.__setitem__(a, b[a] ^ 1 << rnd.randrange(8)) for a in (rnd.randrange(len(b)) for _ in range(rnd.randint(1, 40)))]; data = bytes(b)
        elif k == 'cut': data = data[:rnd.randrange(1, len(data))]
        elif k == 'header': b = bytearray(data); [b.__setitem__(a, rnd.randrange(256)) for a in (rnd.randrange(min(64, len(b))) for _ in range(rnd.randint(1, 6)))]; data = bytes(b)
        elif k == 'splice': o = enc(photo(25, 31), fmt, **kw); a = rnd.randrange(len(data)); data = data[:a] + o[rnd.randrange(len(o)):] + data[a:]
        elif k == 'nothing': data = b'' if j % 2 else enc(Image.new('RGB', (1, 1)), 'PNG')[:24] + bytes(8)
        elif k == 'text': data = [b'not a photo', b'%PDF-1.4', b'PK\3\4', b'\0'*99, b'<svg/>', b'\x80\x04\x95'][i % 6]
        elif k == 'bomb':
            if j % 2 == 0: ext = 'png'; data = png(20_000 + i, 30_000)
            else: ext = 'bmp'; b = bytearray(enc(photo(), 'BMP')); b[18:26] = struct.pack('<ii', 50_000 + i, 40_000); data = bytes(b)
        elif k == 'thin': ext = 'png'; data = enc(photo(*[(1, 1 + i), (1 + i, 1), (1, 1), (2, 500)][j % 4]), 'PNG')
        elif k == 'mode':
            m, ext = modes[j % len(modes)]; im = photo(); im = Image.fromarray((np.asarray(im.convert('L')).astype(np.uint16)*257)) if m == 'I;16' else im.convert('L').convert(m) if m in ('I', 'F', 'LA', '1', 'P') else im.convert(m) if m != 'LAB' else Image.fromarray(np.asarray(im), 'RGB').convert('RGB'); data = enc(im, dict(png='PNG', jpg='JPEG', tif='TIFF')[ext])
        elif k == 'zero': ext, data = zeros[j % len(zeros)]
        (d/f'{k}{i:04d}.{ext}').write_bytes(data); kinds[k] = kinds.get(k, 0) + 1
    return kinds

def hostile(d, weights, state):
    "Files that a stranger might send: (path, what would open it)."
    out = []
    def put(name, data, what): (d/name).write_bytes(data); out.append((d/name, what))
    n = struct.unpack('<Q', weights[:8])[0]; head, body = json.loads(weights[8:8 + n]), weights[8 + n:]
    def st(h, b=body, n=None): h = h if isinstance(h, bytes) else json.dumps(h).encode(); return struct.pack('<Q', len(h) if n is None else n) + h + b
    def arch(**kw): h = json.loads(json.dumps(head)); a = json.loads(h['__metadata__']['arch']); a.update(kw); h['__metadata__']['arch'] = json.dumps(a); return h
    def tensor(**kw): h = json.loads(json.dumps(head)); k = next(k for k in h if k != '__metadata__'); h[k].update(kw); return h
    for name, data in {'header-of-exabytes': st(head, n=2**62), 'header-longer-than-file': st(head, n=10**9), 'header-of-brackets': st(b'['*10**6), 'header-of-numbers': st(b'{"a": ' + b'9'*10**6 + b'}'), 'header-not-utf8': st(b'\xff'*100), 'empty-header': st(b'{}'), 'nothing': b'', 'eight-bytes': bytes(8),
                       'tensor-of-exabytes': st(tensor(shape=[2**40, 2**20])), 'tensor-below-zero': st(tensor(shape=[-1, 4])), 'tensor-outside': st(tensor(data_offsets=[0, 10**12])), 'tensors-overlap': st(tensor(data_offsets=[4, 8])), 'unknown-dtype': st(tensor(dtype='F1024')), 'cut': weights[:len(weights)//2], 'one-byte-more': weights + b'x',
                       'arch-of-another': st(arch(kind='os.system')), 'arch-too-wide': st(arch(nf=10**9)), 'arch-too-large': st(arch(size=2**30)), 'arch-of-text': st(arch(nf='8')), 'arch-wider-than-weights': st(arch(nf=16)), 'arch-of-gigabytes': st(arch(nf=512)), 'arch-of-a-list': st(arch(kind=[])), 'arch-with-path': st(arch(kind='../../etc/passwd'))}.items(): put(f'{name}.safetensors', data, 'weights')
    h = json.loads(json.dumps(head)); h['__metadata__']['arch'] = '['*10**5; put('arch-of-brackets.safetensors', st(h), 'weights')
    h = json.loads(json.dumps(head)); h['../../evil'] = h.pop(next(k for k in h if k != '__metadata__')); put('name-with-path.safetensors', st(h), 'weights')
    if find_spec('timm'):      # a name of a few letters for gigabytes of weights
        for body in ('resnet26d', 'resnetv2_152x4_bit'): put(f'names-{body}.safetensors', st({'__metadata__': dict(format='colorgan 1', arch=json.dumps(dict(kind='timm', body=body, dropout=0., head='ab')), meta='{}')}, b''), 'weights')
    put('classes-of-no-size.safetensors', st({'__metadata__': {'size': '64'}, 'fc.weight': dict(dtype='F32', shape=[200_000, 0], data_offsets=[0, 0])}, b''), 'features')
    if find_spec('huggingface_hub'):
        for name, data in {'list': b'[1]', 'text': b'"x"', 'null': b'null', 'brackets': b'['*10**5}.items(): (h := d/f'hub-of-{name}').mkdir(); (h/'model.safetensors').write_bytes(weights); (h/'config.json').write_bytes(data); out.append((h/'config.json', 'hub'))
    put('zip-as-weights.safetensors', state, 'weights'); put('weights-as-features.safetensors', weights, 'features'); put('size-of-text.safetensors', st({'__metadata__': {'size': 'x'}, 'fc.weight': dict(dtype='F32', shape=[2, 512], data_offsets=[0, 4096])}, bytes(4096)), 'features')
    src = zipfile.ZipFile(io.BytesIO(state))
    def ck(name, kind=0, pkl=None, extra=()):
        b = io.BytesIO()
        with zipfile.ZipFile(b, 'w', kind) as z: [z.writestr(i.filename, pkl if pkl is not None and i.filename.endswith('data.pkl') else src.read(i)) for i in src.infolist()]; [z.writestr(*e) for e in extra]
        put(f'{name}.pt', b.getvalue(), 'checkpoint')
    ck('compressed', 8, extra=[('archive/bomb', bytes(10**8))]); ck('runs-a-command', pkl=f'cos\nsystem\n(S"touch {d}/owned"\ntR.'.encode()); ck('builds-itself', pkl=b'cbuiltins\nbytearray\n(I1000000000000\ntR.'); ck('asks-for-eval', pkl=b'c__builtin__\neval\n(S"1"\ntR.'); ck('new-style-name', pkl=b'\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.'); ck('no-list', pkl=b''); ck('wrong-list', pkl=b'garbage')
    ck('storage-of-terabytes', pkl=b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuL1000000000000L\ntQK\0L1000000000000L\n\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR.')
    import torch; torch.save({'conv1.weight': torch.zeros(50_000_000)}, d/'plain')      # 200 MB that deflate to 200 KB
    with zipfile.ZipFile(d/'plain') as z, zipfile.ZipFile(d/'unpacks-to-200-mb.pth', 'w', 8) as o:
        for i in z.infolist():
            with z.open(i) as a, o.open(i.filename, 'w') as b: shutil.copyfileobj(a, b, 2**20)
    (d/'plain').unlink(); out.append((d/'unpacks-to-200-mb.pth', 'encoder'))
    put('pickle.pt', f'cos\nsystem\n(S"touch {d}/owned"\ntR.'.encode(), 'checkpoint'); put('cut.pt', state[:len(state)//2], 'checkpoint'); put('empty.pt', b'', 'checkpoint'); put('weights-as-checkpoint.pt', weights, 'checkpoint')
    for name, data in {'brackets': b'['*10**6, 'braces': b'{"a":'*10**5, 'digits': b'{"bs": ' + b'9'*10**5 + b'}', 'huge': b' '*(2**24 + 1), 'list': b'[1]', 'nan': b'{"lr": NaN}', 'infinite': b'{"lr": 1e999}', 'null': b'{"bs": null}', 'nested': b'{"bs": {"a": 1}}', 'unknown': b'{"__class__": "os.system"}', 'bytes': b'\xff\xfe', 'empty': b''}.items(): put(f'{name}.json', data, 'settings')
    return out

if __name__ == '__main__': unittest.main()
