// Public names of the package: the simulator.
export {};
