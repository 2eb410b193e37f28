import sys, time
import numpy as np
from golden.network_files import read_network
from compiler.system.lower import lower_network
from params import preset
from params.system import SystemConfig
from sim.system_run import *
from pathlib import Path
net=read_network(Path("rfcn/pretrained/rfcn-tiny-4.json"))
print(net.input)
if len(sys.argv)>1: net=net.resized(int(sys.argv[1]),int(sys.argv[2]))
name=sys.argv[3] if len(sys.argv)>3 else "tiny"
import dataclasses
cfg=SystemConfig(array=dataclasses.replace(preset(name),depth=1024) if name=="tiny" else preset(name))
t=time.time()
img=lower_network(net,cfg,keep=[n.name for n in net.nodes])
print("lowered",time.time()-t,img.size,img.command_count)
rng=np.random.default_rng(0)
f=net.input
px=rng.integers(-100,100,size=f.shape)
maps=net.run(px,keep=[n.name for n in net.nodes])
t=time.time()
h=build_system(cfg,size=img.size)
print("built",time.time()-t)
r=run_commands(img.memory(px),commands=img.commands,harness=h,memory=Memory(latency=10),progress=lambda s: print(s,flush=True))
print(r.fault,r.place,img.layer_of(r.place) if r.place else None,r.counters,r.beats_read,r.beats_written,r.violations,r.seconds)
print(compare_maps(img,r.memory,maps))
