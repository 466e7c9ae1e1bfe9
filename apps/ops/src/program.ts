import { Command, CommanderError } from 'commander';
import type { House } from './house.js';
import { addMoveCommands } from './move-commands.js';
import { addReportCommands } from './report-commands.js';
import { addSubjectCommands, addTenantCommands } from './tenant-commands.js';
import { addUpkeepCommands } from './upkeep-commands.js';

/**
 * Runs what the command line asks for, over whichever family `house` opens. Exits with 1 where it failed, with 2 where it
 * was asked wrongly. `complain` makes a sentence of an error.
 */
export async function runProgram(
  house: House,
  description: string,
  complain = (error: unknown): unknown => (error instanceof Error ? error.message : error),
): Promise<void> {
  const program = new Command('lethe').description(description).showHelpAfterError().exitOverride();
  addTenantCommands(program, house);
  addSubjectCommands(program, house);
  addReportCommands(program, house);
  addUpkeepCommands(program, house);
  addMoveCommands(program, house);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      console.error(complain(error));
      process.exitCode = 1;
    }
  } finally {
    await house.close();
  }
}
