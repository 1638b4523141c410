"What fastai's users know, in both stages: batches and results shown, the rate finder, TensorBoard, Weights & Biases offline."
import copy, importlib.util, os, tempfile, unittest
from pathlib import Path
from unittest.mock import patch
import torch
from colorgan.core import Picture, Settings
from colorgan.data import make_dls, make_sets
from colorgan.gan import gan_step, start_gan
from colorgan.pretrain import StageCallback, TrainState, l1_step, stage_learner

TINY = Settings(generator='unet', nf=8, size=32, patch=16, bs=8, resize='crop', crops=12, n_valid=2, precision='fp32', device='cpu', encoder='none', log_every=5, ema=.9)

class Fastai(unittest.TestCase):
    @classmethod
    def setUpClass(cls): torch.set_num_threads(1); cls.train, cls.valid, _ = make_sets(TINY, cache=False)

    def stages(self, steps=6, **kw):
        for stage, fn in (('pretrain', l1_step), ('gan', gan_step)):
            st = TrainState(TINY)
            if stage == 'gan': start_gan(st)
            yield st, stage_learner(st, self.train, StageCallback(st, fn, steps, valid=self.valid, **kw))

    def test_dls(self): self.assertIsInstance(make_dls(TINY, cache=False).show_batch(), Picture)

    def test_show(self):
        for st, learn in self.stages():
            self.assertIsInstance(learn.dls.show_batch(), Picture); learn.fit(1); self.assertEqual((st.step, len(learn.recorder.losses)), (6, 6))
            p, y = learn.get_preds(); self.assertEqual(p.shape, (len(self.valid), 2, 32, 32)); self.assertEqual(p.shape, y.shape); shown = []
            with patch('IPython.display.display', shown.append): learn.show_results(max_n=2)
            self.assertIsInstance(shown[0], Picture)
            with torch.no_grad(): L, ab = learn.dls.valid.one_batch(); self.assertTrue(torch.allclose(st.G.eval()(L), p[:len(L)], atol=1e-5))

    def test_lr_find(self):
        "With the schedule's rates and near the stage's end, as in a run: the rates tried are the finder's, and nothing is left of it, in G, D, the average, Adam, the log."
        def same(a, b): return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a) if isinstance(a, dict) else len(a) == len(b) and all(map(same, a, b)) if isinstance(a, (list, tuple)) else torch.equal(a, b) if torch.is_tensor(a) else a == b
        for st, learn in self.stages(8, rates=lambda i: dict(g=([1e-3]*8)[i])):
            learn.stage.step_fn(st, *learn.dls.train.one_batch()); was = copy.deepcopy(st.state_dict())
            with tempfile.TemporaryDirectory() as d: learn.path = Path(d); tip = learn.lr_find(num_it=30, show_plot=False).valley
            lrs = learn.recorder.lrs; self.assertTrue(1e-7 < tip < 10); self.assertTrue(len(set(lrs)) == len(lrs) and lrs[0] < 1e-6); self.assertTrue(same(was, st.state_dict()), 'something of the finder is left'); learn.fit(1); self.assertEqual(st.step, 8)

    @unittest.skipUnless(importlib.util.find_spec('tensorboard'), 'tensorboard is not installed')
    def test_tensorboard(self):
        from fastai.callback.tensorboard import TensorBoardCallback
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        for st, learn in self.stages():
            with tempfile.TemporaryDirectory() as d:
                learn.fit(1, cbs=TensorBoardCallback(d)); e = EventAccumulator(d); e.Reload(); self.assertEqual(e.Tags()['images'], ['Sample results']); self.assertTrue(e.Tags()['graph']); self.assertLessEqual({'train_loss', 'lr_0', 'valid_loss'}, set(e.Tags()['scalars'])); self.assertEqual({o.step for o in e.Scalars('train_loss')}, set(range(1, 7)))

    @unittest.skipUnless(importlib.util.find_spec('wandb'), 'wandb is not installed')
    def test_wandb(self):
        import wandb
        from fastai.callback.wandb import WandbCallback
        for st, learn in self.stages():
            with tempfile.TemporaryDirectory() as d, patch.dict(os.environ, WANDB_MODE='offline', WANDB_DIR=d, WANDB_SILENT='true'):
                run = wandb.init(project='colorgan', dir=d); learn.fit(1, cbs=WandbCallback()); s = dict(run.summary); self.assertEqual([len(s[k]['filenames']) for k in ('Inputs', 'Predictions', 'Ground_Truth')], [len(self.valid)]*3); wandb.finish(); wandb.teardown(); self.assertGreater(s['train_loss'], 0); self.assertEqual(s['epoch'], 1); self.assertNotIsInstance(s.get('valid_loss'), str)
