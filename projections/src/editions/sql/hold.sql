-- The live projector moves the checkpoint before it writes anything, so it waits here; reads go on.
lock table app.checkpoint in exclusive mode;
