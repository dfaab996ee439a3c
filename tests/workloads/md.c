// SPDX-License-Identifier: Apache-2.0
// md [steps]: molecular dynamics, a Lennard-Jones liquid in a periodic box, in reduced units, with velocity Verlet. Energy and
// momentum must stay what they were.
#include <math.h>

#include "tests/workloads/timed.h"

enum { cells = 6, atoms = 4 * cells * cells * cells };

static const double density = 0.8, cutoff = 2.5, time_step = 0.002;
static double box;
static double place[atoms][3], velocity[atoms][3], force[atoms][3];

static double random_unit(void) {
  static unsigned long long state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) / 9007199254740992.0;
}

/* A face-centred lattice, velocities that add up to nothing. */
static void make_atoms(void) {
  static const double corners[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  box = cbrt(atoms / density);
  const double side = box / cells;
  int i = 0;
  for (int x = 0; x < cells; ++x)
    for (int y = 0; y < cells; ++y)
      for (int z = 0; z < cells; ++z)
        for (int corner = 0; corner < 4; ++corner, ++i) {
          const int cell[3] = {x, y, z};
          for (int k = 0; k < 3; ++k) place[i][k] = side * (cell[k] + corners[corner][k]);
        }
  double sum[3] = {0};
  for (i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) sum[k] += velocity[i][k] = random_unit() - 0.5;
  for (i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) velocity[i][k] -= sum[k] / atoms;
}

/* All forces; returns the potential energy, shifted so that it ends at the cutoff. */
static double compute_forces(void) {
  const double at_cutoff = pow(cutoff, -12) - pow(cutoff, -6);
  double energy = 0;
  for (int i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) force[i][k] = 0;
  for (int i = 0; i < atoms; ++i)
    for (int j = i + 1; j < atoms; ++j) {
      double d[3], square = 0;
      for (int k = 0; k < 3; ++k) {
        d[k] = place[i][k] - place[j][k];
        d[k] -= box * nearbyint(d[k] / box);
        square += d[k] * d[k];
      }
      if (square >= cutoff * cutoff) continue;
      const double inverse = 1 / square, sixth = inverse * inverse * inverse;
      const double strength = 48 * inverse * sixth * (sixth - 0.5);
      energy += 4 * (sixth * (sixth - 1) - at_cutoff);
      for (int k = 0; k < 3; ++k) {
        force[i][k] += strength * d[k];
        force[j][k] -= strength * d[k];
      }
    }
  return energy;
}

static double kinetic_energy(void) {
  double sum = 0;
  for (int i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) sum += velocity[i][k] * velocity[i][k];
  return sum / 2;
}

static void half_kick(void) {
  for (int i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) velocity[i][k] += force[i][k] * time_step / 2;
}

static double step(void) {
  half_kick();
  for (int i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k) place[i][k] += velocity[i][k] * time_step;
  const double potential = compute_forces();
  half_kick();
  return potential;
}

static double momentum(void) {
  double worst = 0;
  for (int k = 0; k < 3; ++k) {
    double sum = 0;
    for (int i = 0; i < atoms; ++i) sum += velocity[i][k];
    worst = fmax(worst, fabs(sum));
  }
  return worst;
}

int main(int argc, char** argv) {
  const long steps = argument(argc, argv, 100, 1000000);
  make_atoms();
  const double before = compute_forces() + kinetic_energy();
  const struct timed part = begin_timed();
  double potential = 0;
  for (long i = 0; i < steps; ++i) potential = step();
  const struct timed took = end_timed(part);
  const double drift = fabs((potential + kinetic_energy() - before) / before);
  return report("md", drift < 1e-3 && momentum() < 1e-9, took);
}
