-- Above both, so that whichever a projector or a follower knows is not this one.
update checkpoint
set generation = greatest(generation, (select max(generation) from app_previous.checkpoint));
