"A list of photos through Ray: a worker is killed; every photo is coloured once. COLORGAN_LONG=FOLDER: two thousand of them, the whole run stopped and begun again too, recorded."
import importlib.util, json, os, shutil, signal, subprocess, sys, tempfile, time, unittest
from pathlib import Path
import numpy as np
from PIL import Image
from colorgan.data import read_rgb
from tests.test_survive import LONG, record

N = 2000 if LONG else 120

def workers():
    "Process numbers of Ray's actors that colour."
    out = []
    for p in Path('/proc').glob('[0-9]*'):
        try: out += [int(p.name)]*(b'ray::MapWorker' in (p/'cmdline').read_bytes())
        except OSError: pass
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
        (cls.dir/'list.txt').write_text('\n'.join(lines) + '\n'); cls.want = {Path(l).relative_to(cls.dir/'in') for l in lines}; cls.env = dict(os.environ, OMP_NUM_THREADS='1', OMP_WAIT_POLICY='PASSIVE', PYTHONWARNINGS='ignore', COLORGAN_OFFLINE='1')

    def start(self, out, n=2, extra=()): return subprocess.Popen([sys.executable, '-m', 'colorgan.cli', 'colorize', '--list', 'list.txt', '--root', str(self.dir/'in'), '--out', out, '--workers', str(n), '--json', *extra], cwd=self.dir, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    def done(self, out): return {p.relative_to(self.dir/out): p.stat().st_mtime_ns for p in (self.dir/out).rglob('*.jpg')} if (self.dir/out).exists() else {}
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
        record('archive', 'test_archive', photos=N, workers=2, cores=os.cpu_count(), workers_killed=1, runs_killed=1, lost=0, written_twice=again, photo='96 × 128 JPEG', seconds=round(took, 1), photos_per_s_after_the_first=round(N/(took - first), 1), worker_mb=round(heavy), lines_planned_per_s=round(plan), seconds_to_start=round(first, 1), there_per_s_after_the_start=round(N/max(took3 - first, .1), 1), kb_in=round(size(self.dir/'in')/1e3, 2), kb_out=round(size(self.dir/'killed')/1e3, 2))

    def test_bad_lines(self):
        (self.dir/'bad.txt').write_text(f"{self.dir}/in/00/00000.jpg\n/nowhere/x.jpg\n{self.dir}/in/../../x.jpg\n"); r = subprocess.run([sys.executable, '-m', 'colorgan.cli', 'colorize', '--list', 'bad.txt', '--out', 'bad'], cwd=self.dir, env=self.env, capture_output=True, text=True)
        self.assertEqual(r.returncode, 1, r.stderr); self.assertIn('1 coloured, 2 failed', r.stderr); self.assertIn('/nowhere/x.jpg: no such file', r.stderr); self.assertNotIn('Traceback', r.stderr)
        for a, why in ((['--compare'], '--compare: not with --list'), (['x.jpg'], 'or --list FILE')): r = subprocess.run([sys.executable, '-m', 'colorgan.cli', 'colorize', '--list', 'bad.txt', *a], cwd=self.dir, env=self.env, capture_output=True, text=True); self.assertEqual(r.returncode, 2); self.assertIn(why, r.stderr)

if __name__ == '__main__': unittest.main()
