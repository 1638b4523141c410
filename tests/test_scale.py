"Several processes as their launchers start them, against one: the same curves, one record; one is killed, and another number goes on."
import importlib.util, json, os, shutil, signal, subprocess, sys, tempfile, time, unittest
from pathlib import Path
import torch
from colorgan.core import load_settings
from colorgan.data import get_source
from colorgan.gan import resumed_settings, train
from colorgan.pretrain import read_checkpoint

ROOT = Path(__file__).resolve().parent.parent
SETS = 'generator=unet nf=8 size=32 patch=16 bs=8 pretrain_steps=10 gan_steps=10 log_every=1 save_every=4 sample_every=100 precision=fp32 device=cpu n_valid=2 resize=crop crops=8 ema=.9 encoder=none'.split()
EVAL = 1e-6      # of a row's number, relative above 1: two processes against one
LOSSES = ('l1', 'd_real', 'd_fake', 'g_adv', 'g_l1')

def curve(run): return {(r['step'], k): r[k] for r in map(json.loads, (run/'metrics.jsonl').read_text().splitlines()) for k in LOSSES if k in r}
def apart(a, b): return max(abs(a[k] - b[k])/abs(a[k]) for k in a)

class Scale(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1); cls.dir = Path(tempfile.mkdtemp()); bin = cls.dir/'bin'; bin.mkdir(); cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        for name, text in (('scontrol', 'echo 127.0.0.1'), ('srun', '[ "$1" = --kill-on-bad-exit=1 ] && shift && exec "$@"'), ('torchrun', f'exec {sys.executable} -m torch.distributed.run "$@"')): (bin/name).write_text(f'#!/bin/sh\n{text}\n'); (bin/name).chmod(0o755)
        cls.env = dict(os.environ, PATH=f"{bin}{os.pathsep}{os.environ['PATH']}", COLORGAN_CACHE=str(cls.dir/'cache'), COLORGAN_OFFLINE='1', OMP_NUM_THREADS='1', OMP_WAIT_POLICY='PASSIVE', PYTHONWARNINGS='ignore', PYTHONPATH=str(ROOT), SLURM_JOB_NODELIST='here', SLURM_NNODES='1', SLURM_JOB_ID=str(os.getpid()))
        os.environ['COLORGAN_CACHE'] = cls.env['COLORGAN_CACHE']; train(load_settings(None, SETS), cls.dir/'one'); cls.one = curve(cls.dir/'one')

    def start(self, *a, **env): return subprocess.Popen([str(o) for o in a], env=self.env | env, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    def args(self, out, *sets): return ['--data', 'skimage', '--out', out, *sum((['--set', s] for s in [*SETS, *sets]), [])]

    def same(self, run, tol=1e-3):
        c = curve(run); self.assertEqual(set(c), set(self.one)); self.assertLess(apart(self.one, c), tol)
        self.assertEqual(sorted(p.name for p in run.iterdir()), sorted(p.name for p in (self.dir/'one').iterdir()))

    def goes_on(self, name, n, *sets):
        "Resumed by n processes, and a copy of it by one: the same losses, and at the end the same weights and their average. (A scaler has a state on a GPU only.)"
        run, one = self.dir/name, self.dir/f'{name}-by-one'; shutil.copytree(run, one); train(resumed_settings(one, sets), one, resume=True)
        p = self.start('torchrun', '--standalone', '--nproc-per-node', n, '-m', 'colorgan.cli', 'train', '--resume', '--out', name, *sum((['--set', s] for s in sets), [])); err = p.communicate(timeout=300)[1]; self.assertEqual(p.returncode, 0, err[-2000:])
        a, b, plan = curve(one), curve(run), json.loads((run/'plan.json').read_text()); self.assertEqual(list(a), list(b)); self.assertLess(apart(a, b), 3e-3); self.assertEqual([k[0] for k in b if k[1] in ('l1', 'g_l1')], list(range(1, plan['pretrain'] + plan['gan'] + 1))); self.assertTrue((run/'generator.safetensors').exists())
        sds = [read_checkpoint(p/'state.pt') for p in (one, run)]; self.assertEqual(*(o['step'] for o in sds)); flat = lambda o: torch.cat([v.flatten() for k, v in o.items() if k.endswith(('weight', 'bias'))])
        G, D, E = ([flat(o[k]) for o in sds] for k in ('G', 'D', 'ema')); gap = lambda x, y: float((x - y).norm()); rel = {k: gap(*x)/float(x[0].norm()) for k, x in dict(G=G, D=D).items()}; self.assertLess(max(rel.values()), 5e-3, rel)      # other sums, and where a weight's gradient is next to nothing Adam turns that into a step
        self.assertLess(gap(*E), .5*gap(*G) + 1e-3*gap(E[0], G[0]), 'the averages differ by more than the weights that they follow')

    def test_four_under_slurm(self):
        p = self.start(ROOT/'launch'/'slurm.sh', *self.args('four'), PER_NODE='4'); out, err = p.communicate(timeout=300); self.assertEqual(p.returncode, 0, err[-2000:])
        self.same(self.dir/'four'); self.assertEqual(out.count('CIEDE2000'), 1, out)

    @unittest.skipUnless(Path('/proc').is_dir(), 'looks for processes in /proc')
    def test_killed_then_another_number(self):
        "A process is killed, and one goes on alone; the one that keeps the record is, and two go on."
        for name, stage, rank, sets in (('two', 'pretrain', 1, ['pretrain_steps=4000']), ('two-gan', 'gan', 0, ['pretrain_steps=2', 'gan_steps=4000', 'lr_decay=0'])):
            with self.subTest(stage): self.killed(name, stage, rank, sets)

    def killed(self, name, stage, rank, sets):
        p = self.start('torchrun', '--standalone', '--nproc-per-node', 2, '-m', 'colorgan.cli', 'train', *self.args(name, *sets)); state = self.dir/name/'state.pt'
        there = lambda sd: sd['stage'] == stage and sd['step'] >= 8
        while p.poll() is None and not (state.exists() and there(read_checkpoint(state))): time.sleep(.2)
        self.assertIsNone(p.poll(), p.stderr.read()[-2000:] if p.poll() is not None else '')
        kids = Path(f'/proc/{p.pid}/task/{p.pid}/children').read_text().split(); env = lambda k: Path(f'/proc/{k}/environ').read_text().split('\0')
        os.kill(int(next(k for k in kids if f'RANK={rank}' in env(k))), signal.SIGKILL); err = p.communicate(timeout=120)[1]; self.assertNotEqual(p.returncode, 0)
        self.assertIn(f'process {1 - rank} of 2 lost another one', err); self.assertIn('--resume', err); self.assertFalse((self.dir/name/'generator.safetensors').exists())
        done = read_checkpoint(state)['step']; plan = self.dir/name/'plan.json'; plan.write_text(json.dumps(steps := json.loads(plan.read_text()) | {stage: done + 3}))      # a short end, so that the test is
        if rank == 0: self.goes_on(name, 2); return
        train(resumed_settings(self.dir/name), self.dir/name, resume=True); seen = [k[0] for k in curve(self.dir/name) if k[1] in ('l1', 'g_l1')]
        self.assertEqual(seen, list(range(1, steps['pretrain'] + steps['gan'] + 1))); self.assertTrue((self.dir/name/'generator.safetensors').exists())

    def test_one_then_two(self):
        "A run of one process, told to stop, goes on with two; its share must be divided by accumulate, which may change."
        p = self.start(sys.executable, '-m', 'colorgan.cli', 'train', *self.args('grow', 'pretrain_steps=4000', 'accumulate=8')); state = self.dir/'grow'/'state.pt'
        while p.poll() is None and not state.exists(): time.sleep(.2)
        p.send_signal(signal.SIGTERM); err = p.communicate(timeout=120)[1]; self.assertIn('--resume', err); done = read_checkpoint(state)['step']; plan = self.dir/'grow'/'plan.json'; plan.write_text(json.dumps(json.loads(plan.read_text()) | dict(pretrain=done + done//2 + 3, gan=1)))      # not at the very end of the cycle, where the rate is next to nothing
        two = ['torchrun', '--standalone', '--nproc-per-node', 2, '-m', 'colorgan.cli', 'train', '--resume', '--out', 'grow']
        p = self.start(*two); err = p.communicate(timeout=120)[1]; self.assertNotEqual(p.returncode, 0); self.assertIn('accumulate=8 does not divide; --set accumulate to one that does: 1, 2, 4', err); self.assertEqual(err.count('does not divide'), 1, err)
        self.goes_on('grow', 2, 'accumulate=1')      # with 4, batch norm would measure parts of other photos than one process's: 11b_scale compares those without it

    def test_evaluation_is_shared(self):
        "The weights that come with colorgan, scored by two processes and by one: sums in another order, and photos in batches of other sizes."
        a = ['-m', 'colorgan.cli', 'evaluate', '--data', 'skimage', '--size', 64, '--device', 'cpu', '--out']; ps = [self.start(sys.executable, *a, 'one.json'), self.start('torchrun', '--standalone', '--nproc-per-node', 2, *a, 'two.json')]
        for p in ps: err = p.communicate(timeout=300)[1]; self.assertEqual(p.returncode, 0, err[-2000:])
        one, two = (json.loads((self.dir/f'{n}.json').read_text()) for n in ('one', 'two')); self.assertEqual(one['protocol']['photos_sha256'], two['protocol']['photos_sha256'])
        gaps = {(k, m): abs(v - two['rows'][k][m])/max(1, abs(v)) for k, row in one['rows'].items() for m, v in row.items() if isinstance(v, (int, float))}; self.assertIn(('model', 'ciede2000'), gaps); worst = max(gaps, key=gaps.get); self.assertLess(gaps[worst], EVAL, worst); print(f'\nevaluation by two: {worst} differs by {gaps[worst]:.1e}', flush=True)
        self.assertEqual([(r, m) for r, row in one['rows'].items() for m, v in row.items() if v is None], [(r, m) for r, row in two['rows'].items() for m, v in row.items() if v is None])

    @unittest.skipUnless(importlib.util.find_spec('accelerate'), 'accelerate is not installed')
    def test_accelerate(self):
        p = self.start(sys.executable, '-m', 'accelerate.commands.launch', '--config_file', ROOT/'launch'/'accelerate-cpu.yaml', '-m', 'colorgan.cli', 'train', *self.args('acc')); err = p.communicate(timeout=300)[1]; self.assertEqual(p.returncode, 0, err[-2000:]); self.same(self.dir/'acc')
        import yaml
        for f in (ROOT/'launch').glob('*.yaml'): self.assertEqual(yaml.safe_load(f.read_text())['num_machines'], 1)

    def test_trouble_together(self):
        "A weight that is not a number, found as a checkpoint is due: all processes roll back, none waits for the others for ever."
        (self.dir/'poisoned.py').write_text('''
import sys, colorgan.pretrain as p
from colorgan.cli import main
real, left = p.l1_step, [1]
def l1_step(st, L, ab):
    out = real(st, L, ab)
    if st.step == 7 and left: left.pop(); next(st.G.parameters()).data.view(-1)[0] = float('nan')
    return out
p.l1_step = l1_step; sys.argv[0] = 'colorgan'; main()
''')
        p = self.start('torchrun', '--standalone', '--nproc-per-node', 2, 'poisoned.py', 'train', *self.args('nan', 'on_trouble=rollback')); err = p.communicate(timeout=200)[1]; self.assertEqual(p.returncode, 0, err[-2000:])
        self.assertIn('a weight is not finite', err); self.assertIn('back to step 4', err); self.assertEqual(json.loads((self.dir/'nan'/'summary.json').read_text())['rollbacks'][0]['from_step'], 8)

    def test_told_to_stop_then_four(self):
        p = self.start('torchrun', '--standalone', '--nproc-per-node', 2, '-m', 'colorgan.cli', 'train', *self.args('stop', 'pretrain_steps=4000')); state = self.dir/'stop'/'state.pt'
        while p.poll() is None and not state.exists(): time.sleep(.2)
        p.send_signal(signal.SIGTERM); err = p.communicate(timeout=120)[1]; self.assertIn('the state is saved, go on with --resume', err); self.assertNotIn('lost', err)
        self.assertEqual(max(k[0] for k in curve(self.dir/'stop')), done := read_checkpoint(state)['step']); plan = self.dir/'stop'/'plan.json'; plan.write_text(json.dumps(json.loads(plan.read_text()) | dict(pretrain=done + done//2 + 3, gan=1))); self.goes_on('stop', 4)
