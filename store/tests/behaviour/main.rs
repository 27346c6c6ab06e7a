//! What a user of the store relies on, one behaviour a file.

mod blocks_survive_restarts;
mod cleared_stores_begin_anew;
mod damaged_files_are_refused;
mod failed_writes_stop_the_store;
mod fills_count_with_the_first_block;
mod killed_processes_lose_nothing;
mod memory_equals_disk;
mod pool_survives_restarts;
mod power_losses_leave_whole_blocks;
mod removed_folders_stop_the_store;
mod stores_that_do_not_fit_are_refused;
mod workload;
