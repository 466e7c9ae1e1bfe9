import { Command, CommanderError } from 'commander';
import { complaintOf } from '../../api/src/complaint.js';
import { addCalibrateCommand } from './calibrate-command.js';
import type { House } from './house.js';
import { addMoveCommands } from './move-commands.js';
import { addReportCommands } from './report-commands.js';
import { addSubjectCommands, addTenantCommands } from './tenant-commands.js';
import { addUpkeepCommands } from './upkeep-commands.js';

/**
 * Runs what the command line asks for, over whichever family `house` opens. Exits with 1 where it failed, with 2 where it
 * was asked wrongly.
 */
export async function runProgram(house: House, description: string): Promise<void> {
  const program = new Command('lethe').description(description).showHelpAfterError().exitOverride();
  addTenantCommands(program, house);
  addSubjectCommands(program, house);
  addReportCommands(program, house);
  addUpkeepCommands(program, house);
  addMoveCommands(program, house);
  addCalibrateCommand(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      const complaint = complaintOf(error);
      console.error(complaint instanceof Error ? complaint.message : complaint);
      process.exitCode = 1;
    }
  } finally {
    await house.close();
  }
}
