import { createSpace, sampleGenotype, costs as networkCosts } from '/work/w/cut/spaces/index.js';
import { Random } from '/work/w/cut/base/random.js';
import { candidateOnnx } from '/work/w/cut/runner/jobs/candidate-model.js';
import { countInstructions, timedProgram } from '/work/w/cut/deploy/index.js';
import * as st from '/work/w/cut/latency-models/statistics.js';
import * as tf from '@tensorflow/tfjs-core';
tf.enableProdMode();
const rows:any[]=[];
for (const type of ['mobilenet','efficientnet']) { let space; try { space = await createSpace({ type, ...(type==='mobilenet'?{preset:'tiny'}:{}) } as any, { input: [32,32,3], classes: 10 }); } catch(e){console.log(String(e));continue}
 const random=new Random(1,'i');
 for (const core of ['cortex-m4','cortex-m55'] as const) {
  const m:number[]=[],n:number[]=[]; const r=new Random(1,'i'+type);
  for(let i=0;i<12;i++){ const network=space.build(sampleGenotype(space,r)); try{ const c=await countInstructions(await timedProgram(candidateOnnx({network,seed:1}),'x'),core,{}); m.push((networkCosts as any)(network).macs); n.push(c);}catch(e){console.log(String(e).slice(0,100))} }
  const ratio=n.map((c,i)=>c/m[i]); console.log(type,core,'n',n.length,'spearman',(st as any).spearman?.(m,n),'kendall',(st as any).kendall(m,n),'instr/MAC',Math.min(...ratio).toFixed(2),Math.max(...ratio).toFixed(2));
 }}
