// A private PostgreSQL for tests: its own data folder and Unix socket, thrown away afterwards. The
// programs come from LOCI_POSTGRES_BIN, the PATH, or where Debian puts them.

import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { Client } from "pg";

const run = promisify(execFile);
const userName = "loci";

/** PostgreSQL refuses to run as root; then it runs as one of these. */
const humbleUsers = ["postgres", "nobody"];

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export class PostgresCluster {
  readonly #binaries: string;
  readonly #folder: string;
  readonly #identity: Identity | null;
  #databases = 0;

  private constructor(binaries: string, folder: string, identity: Identity | null) {
    this.#binaries = binaries;
    this.#folder = folder;
    this.#identity = identity;
  }

  /** @throws Error naming the remedy when there is no PostgreSQL on this machine */
  static async create(settings: readonly string[] = []): Promise<PostgresCluster> {
    const binaries = findBinaries();
    const folder = await mkdtemp(join(tmpdir(), "loci-pg-"));
    const identity = process.getuid?.() === 0 ? findHumbleUser() : null;
    if (identity) await chown(folder, identity.uid, identity.gid);
    const cluster = new PostgresCluster(binaries, folder, identity);
    await cluster.#run("initdb", [
      "-D",
      cluster.#data,
      "-U",
      userName,
      "-A",
      "trust",
      "-E",
      "UTF8",
    ]);
    const lines = [
      "listen_addresses = ''",
      `unix_socket_directories = '${folder}'`,
      "max_connections = 50",
      ...settings,
    ];
    await writeFile(join(cluster.#data, "postgresql.auto.conf"), `${lines.join("\n")}\n`);
    await cluster.start();
    return cluster;
  }

  /** URL of a new, empty database, in `folder` when one is given. */
  async createDatabase(folder: string | null = null): Promise<string> {
    const name = `test${this.#databases++}`;
    if (folder !== null) {
      const { uid, gid } = this.#identity ?? { uid: -1, gid: -1 };
      await chown(folder, uid, gid);
      await this.#query(`CREATE TABLESPACE space_of_${name} LOCATION '${folder}'`);
    }
    const space = folder === null ? "pg_default" : `space_of_${name}`;
    await this.#query(`CREATE DATABASE ${name} TABLESPACE ${space}`);
    return this.url(name);
  }

  /** Takes away the last database made, and its folder's contents. */
  async dropLastDatabase(): Promise<void> {
    const name = `test${this.#databases - 1}`;
    await this.#query(`DROP DATABASE ${name} WITH (FORCE)`);
    await this.#query(`DROP TABLESPACE IF EXISTS space_of_${name}`);
  }

  url(database: string): string {
    return `postgres://${userName}@localhost/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const log = join(this.#folder, "log");
    await this.#run("pg_ctl", ["start", "-w", "-D", this.#data, "-l", log]);
  }

  async stop(mode: "fast" | "immediate"): Promise<void> {
    await this.#run("pg_ctl", ["stop", "-w", "-m", mode, "-D", this.#data]);
  }

  async dispose(): Promise<void> {
    await this.stop("immediate");
    await rm(this.#folder, { recursive: true });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  async #query(sql: string): Promise<void> {
    const client = new Client({ connectionString: this.url("postgres") });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const options = { cwd: this.#folder, ...this.#identity };
    await run(join(this.#binaries, program), [...args], options);
  }
}

function findBinaries(): string {
  const named = process.env["LOCI_POSTGRES_BIN"];
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  const debian = globSync("/usr/lib/postgresql/*/bin").toSorted((a, b) => b.localeCompare(a));
  const candidates = named === undefined ? [...onPath, ...debian] : [named];
  const found = candidates.find((folder) =>
    ["initdb", "pg_ctl", "postgres"].every((program) => existsSync(join(folder, program))),
  );
  if (found !== undefined) return found;
  throw new Error(
    "These tests need PostgreSQL: install it (e.g. apt-get install postgresql), or set LOCI_POSTGRES_BIN to the folder of initdb.",
  );
}

function findHumbleUser(): Identity {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const users = new Map(
    lines.map((line) => {
      const [name, , uid, gid] = line.split(":");
      return [name ?? "", { uid: Number(uid), gid: Number(gid) }] as const;
    }),
  );
  for (const name of humbleUsers) {
    const identity = users.get(name);
    if (identity) return identity;
  }
  throw new Error(`PostgreSQL does not run as root; add a user named ${humbleUsers.join(" or ")}.`);
}
