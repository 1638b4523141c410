"A list of photos through Ray: a worker is killed, a photo kills its worker; every other photo is coloured once. COLORGAN_LONG=FOLDER: two thousand of them, the whole run stopped and begun again too, recorded."
import contextlib, importlib.util, json, os, shutil, signal, subprocess, sys, tempfile, time, unittest, uuid
from pathlib import Path
import numpy as np
from PIL import Image
from colorgan.data import read_rgb
from tests.test_survive import LONG, ROOT, record

N, TAG = 2000 if LONG else 120, f'COLORGAN_TEST={uuid.uuid4().hex}'

def workers():
    "Process numbers of Ray's actors that colour, of those that were started here."
    out = []
    for p in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError): out += [int(p.name)]*(b'ray::MapWorker' in (p/'cmdline').read_bytes() and TAG.encode() in (p/'environ').read_bytes().split(b'\0'))
    return out
def memory(pid):
    try: return int(Path(f'/proc/{pid}/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')/2**20
    except OSError: return 0

@unittest.skipUnless(importlib.util.find_spec('ray') and Path('/proc').is_dir(), 'ray is not installed, or there is no /proc')
class Archive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp(prefix='colorgan-archive-')); cls.addClassCleanup(shutil.rmtree, cls.dir, True); rng = np.random.default_rng(0); lines = []
        for i in range(N):
            f = cls.dir/'in'/f'{i % 20:02d}'/f'{i:05d}.jpg'; f.parent.mkdir(parents=True, exist_ok=True); Image.fromarray(rng.integers(0, 256, (12, 16), dtype=np.uint8)).resize((128, 96), Image.BICUBIC).save(f); lines.append(str(f))
        (cls.dir/'list.txt').write_text('\n'.join(lines) + '\n'); cls.want = {Path(l).relative_to(cls.dir/'in') for l in lines}; cls.env = dict(os.environ, OMP_NUM_THREADS='1', OMP_WAIT_POLICY='PASSIVE', PYTHONWARNINGS='ignore', COLORGAN_OFFLINE='1', PYTHONPATH=str(ROOT), **dict([TAG.split('=')]))

    def start(self, out, n=2, extra=(), lines='list.txt', **env): return subprocess.Popen([sys.executable, '-m', 'colorgan.cli', 'colorize', '--list', lines, '--root', str(self.dir/'in'), '--out', out, '--workers', str(n), '--json', *extra], cwd=self.dir, env=self.env | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))      # a shell's background has it ignored
    def cli(self, *a, **env): return subprocess.run([sys.executable, '-m', 'colorgan.cli', 'colorize', *map(str, a)], cwd=self.dir, env=self.env | env, capture_output=True, text=True)
    def done(self, out):
        got = {}
        for p in (self.dir/out).rglob('*.jpg'):
            with contextlib.suppress(FileNotFoundError):      # a name that is gone again
                if p.name[0] != '.': got[p.relative_to(self.dir/out)] = p.stat().st_mtime_ns
        return got
    def until(self, p, out, n):
        t = time.time()
        while len(self.done(out)) < n: self.assertIsNone(p.poll(), 'it ended too early'); self.assertLess(time.time() - t, 300); time.sleep(.1)

    def test_a_worker_is_killed(self):
        t = time.time(); p = self.start('killed'); self.until(p, 'killed', 1); first = time.time() - t; self.until(p, 'killed', N//4); pids = workers(); self.assertTrue(pids); heavy = max(memory(i) for i in pids); early = self.done('killed'); os.kill(pids[0], signal.SIGKILL)
        out, err = p.communicate(timeout=1200); took = time.time() - t; self.assertEqual(p.returncode, 0, err[-1500:]); self.assertEqual(out[:1], '{', out[:600]); n = json.loads(out); end = self.done('killed')
        self.assertEqual(set(end), self.want); self.assertEqual(n['coloured'] + n.get('there', 0), N); self.assertEqual(n['failures'], []); self.assertNotIn('Traceback', err); self.assertEqual([q for q in (self.dir/'killed').rglob('.*')], [])
        again = sum(end[k] != v for k, v in early.items()); self.assertEqual(again, 0)      # none was written twice
        self.assertTrue(all(read_rgb(self.dir/'killed'/k).shape == (96, 128, 3) for k in list(end)[::50])); self.assertIn(f'{N} in the list', err)
        if not LONG: return
        from colorgan.archive import output_of, read_list
        (self.dir/'long.txt').write_text(''.join(f's3://archive/grey/{i % 1000:03d}/{i:09d}.jpg\n' for i in range(200_000))); t4 = time.time(); k = sum(bool(output_of(s, 's3://archive/out', 's3://archive/grey')) for s in read_list(self.dir/'long.txt')); plan = k/(time.time() - t4)
        size = lambda d: sum(f.stat().st_size for f in d.rglob('*.jpg'))/N
        # the whole run is killed, and begun again
        p = self.start('stopped'); self.until(p, 'stopped', N//4); p.send_signal(signal.SIGINT); err2 = p.communicate(timeout=120)[1]; self.assertNotEqual(p.returncode, 0); self.assertNotIn('Traceback', err2); some = self.done('stopped'); self.assertLess(len(some), N)
        t2 = time.time(); p = self.start('stopped'); out, err = p.communicate(timeout=1200); took2 = time.time() - t2; n2 = json.loads(out); end2 = self.done('stopped'); self.assertEqual((p.returncode, set(end2)), (0, self.want)); self.assertEqual(sum(end2[k] != v for k, v in some.items()), 0); self.assertGreaterEqual(n2['there'], len(some) - 64)
        t3 = time.time(); p = self.start('stopped'); n3 = json.loads(p.communicate(timeout=600)[0]); took3 = time.time() - t3; self.assertEqual(n3['there'], N)
        from colorgan.archive import Worker
        w = Worker(threads=1); lines = [str(self.dir/'in'/k) for k in sorted(self.want)]; t5 = time.time(); there = w(dict(src=lines, dst=[output_of(s, self.dir/'stopped', str(self.dir/'in')) for s in lines]))['state']; find = N/(time.time() - t5); self.assertEqual(there, ['there']*N)
        record('archive', 'test_archive', photos=N, workers=2, cores=os.cpu_count(), workers_killed=1, runs_killed=1, lost=0, written_twice=again, photo='96 × 128 JPEG', seconds=round(took, 1), photos_per_s_after_the_first=round(N/(took - first), 1), worker_mb=round(heavy), lines_planned_per_s=round(plan), seconds_to_start=round(first, 1), there_per_s_after_the_start=round(2*find, 1), seconds_to_find_all_there=round(took3, 1), kb_in=round(size(self.dir/'in')/1e3, 2), kb_out=round(size(self.dir/'killed')/1e3, 2))

    def test_bad_lines(self):
        (self.dir/'bad.txt').write_text(f"{self.dir}/in/00/00000.jpg\n/nowhere/x.jpg\n{self.dir}/in/../../x.jpg\n"); r = self.cli('--list', 'bad.txt', '--out', 'bad')
        self.assertEqual(r.returncode, 1, r.stderr); self.assertIn('1 coloured, 2 failed', r.stderr); self.assertIn('/nowhere/x.jpg: no such file', r.stderr); self.assertNotIn('Traceback', r.stderr)
        one = ['--list', 'bad.txt']
        for a, why in (([*one, '--compare'], '--compare: not with --list'), ([*one, 'x.jpg'], 'or --list FILE'), (['x.jpg', '--workers', 2], '--workers: only with --list'), (['x.jpg', '--root', 'x'], '--root: only with --list'), ([*one, '--gpus', 1], '--gpus: only with --workers'), ([*one, '--out', 'nosuch://x'], 'nosuch://'), ([*one, '--out', 'list.txt/x'], 'list.txt/x: Not a directory')):
            with self.subTest(a): r = self.cli(*a); self.assertEqual(r.returncode, 2, r.stderr); self.assertIn(why, r.stderr); self.assertEqual(r.stderr.count('colorgan:'), 1, r.stderr); self.assertNotIn('Traceback', r.stderr)

    def test_a_photo_that_kills(self):
        "Each time that a worker decodes it, it dies: the photo is named, those beside it are coloured."
        (self.dir/'sitecustomize.py').write_text("""
import os, PIL.Image as I
real = I.open
def opened(f, *a, **k):
    if 'poison' in str(getattr(f, 'name', f)): os.kill(os.getpid(), 9)
    return real(f, *a, **k)
I.open = opened
""")
        lines = (self.dir/'list.txt').read_text().split()[:20]; p = self.dir/'in'/'poison.jpg'; shutil.copy(lines[0], p); (self.dir/'poison.txt').write_text('\n'.join([*lines[:3], str(p), *lines[3:]])); self.addCleanup(p.unlink)
        run = self.start('poisoned', 2, lines='poison.txt', PYTHONPATH=os.pathsep.join([str(self.dir), str(ROOT)])); out, err = run.communicate(timeout=400); self.assertEqual(run.returncode, 1, err[-1500:]); n = json.loads(out)
        self.assertEqual(n['failures'], [dict(file=str(p), why=f'{p}: its worker died')]); self.assertEqual(set(self.done('poisoned')), {Path(l).relative_to(self.dir/'in') for l in lines}); self.assertNotIn('Traceback', err)

    def test_weights_of_the_workers(self):
        "They are those that the variable names here; what is wrong with them is said once."
        (self.dir/'w.safetensors').write_bytes(b'no weights'); r = self.cli('--list', 'list.txt', '--out', 'w', '--workers', 1, COLORGAN_WEIGHTS='w.safetensors'); self.assertEqual(r.returncode, 2, r.stderr[-1500:]); self.assertEqual(r.stderr.count('w.safetensors'), 1, r.stderr[-1500:]); self.assertNotIn('Traceback', r.stderr); self.assertEqual(self.done('w'), {})
        r = self.cli('--list', 'list.txt', '--out', 'w', '--workers', 1, '--gpus', 100); self.assertEqual(r.returncode, 2, r.stderr[-1500:]); self.assertIn('each worker is to have 100 GPUs', r.stderr)

if __name__ == '__main__': unittest.main()
