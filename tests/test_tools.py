"What the tools promise: a changed owner is noticed everywhere, a page that fetches something too, a cell that asks for an upload on Colab gets one, and saved outputs are without native code's log."
import json, os, shutil, subprocess, sys, tempfile, unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

class Tools(unittest.TestCase):
    def setUp(self): t = tempfile.TemporaryDirectory(); self.addCleanup(t.cleanup); self.d = Path(t.name)

    def test_owner(self):
        for p in ('tools', 'nbs'): shutil.copytree(ROOT/p, self.d/p, ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
        for p in ('settings.ini', 'CITATION.cff'): shutil.copy(ROOT/p, self.d)
        check = lambda: subprocess.run([sys.executable, 'tools/colab.py', '--check'], cwd=self.d, capture_output=True, text=True)
        self.assertEqual(check().returncode, 0, check().stdout)
        ini = self.d/'settings.ini'; ini.write_text(ini.read_text('utf-8').replace('user = colorgan', 'user = someone'), encoding='utf-8'); said = check()
        self.assertEqual(said.returncode, 1)
        for f in ('CITATION.cff: ', 'nbs/10_colorize.ipynb: ', 'nbs/index.ipynb: ', '00_core.ipynb: no badge'): self.assertIn(f, said.stdout)
        subprocess.run([sys.executable, 'tools/colab.py'], cwd=self.d, check=True); self.assertEqual(check().returncode, 0)
        self.assertFalse([p.name for p in (self.d/'nbs').rglob('*.ipynb') if 'github.com/colorgan/' in p.read_text('utf-8')])

    def test_site_fetches_nothing(self):
        (self.d/'index.html').write_text('<link rel="stylesheet" href="https://a.example/x.css"><link rel="canonical" href="https://a.example/"><script src="https://a.example/mathjax/latest.js"></script><a href="https://a.example">a</a><a href="gone.html">b</a>')
        r = subprocess.run([sys.executable, '-c', 'import json, sys; from pathlib import Path; sys.path.insert(0, "tools"); import build_site; print(json.dumps(build_site.follow(Path(sys.argv[1]))))', self.d], cwd=ROOT, capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(r.stdout)[0], ['index.html: fetches https://a.example/x.css', 'index.html: fetches https://a.example/mathjax/latest.js', 'index.html: gone.html leads nowhere'])

    def outside(self, *cells):
        p = self.d/'n.ipynb'; p.write_text(json.dumps(dict(nbformat=4, nbformat_minor=5, metadata={}, cells=[dict(cell_type='code', source=s, metadata={}, outputs=[], execution_count=None) for s in cells])))
        return json.loads(subprocess.run([sys.executable, ROOT/'tools'/'outside.py', p], cwd=self.d, capture_output=True, text=True, env=os.environ | dict(PYTHONPATH=str(ROOT))).stdout.strip().split('\n')[-1])

    def test_run_all(self):
        self.assertIn('1/0', self.outside('#| slow\n1/0')['error'])          # what tests leave out, Colab runs
        head = "import sys\nif 'google.colab' in sys.modules:\n    from google.colab import files\n    for n in files.upload(): "
        self.assertTrue(self.outside(head + "n.endswith('.png') and files.download(n)")['ok']); self.assertIn('0 photos came back', self.outside(head + 'pass')['error'])
    def test_saved_outputs(self):
        (p := self.d/'n.ipynb').write_text(json.dumps(dict(nbformat=4, nbformat_minor=5, metadata={}, cells=[dict(id=c, cell_type='code', source=f'import sys; print({t!r}, file=sys.{c})', metadata={}, outputs=[], execution_count=None) for c, t in dict(stderr='USDT:2026-01-02 03:04:05 1:1 A.cpp:39] on\nERROR: ours.py: kept\nW0102 03:04:05.6 7 torch/a.py:183] [0/0] none', stdout='USDT:2026-01-02 03:04:05 1:1 A.cpp:39] on').items()])))
        subprocess.run([sys.executable, '-c', 'import sys; from pathlib import Path; sys.path.insert(0, "tools"); import run_nbs; why = run_nbs.run(Path(sys.argv[1]), set(), True); print(why); sys.exit(bool(why))', p], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual([''.join(c['outputs'][0]['text']).strip() for c in json.loads(p.read_text())['cells']], ['ERROR: ours.py: kept', 'USDT:2026-01-02 03:04:05 1:1 A.cpp:39] on'])

if __name__ == '__main__': unittest.main()
