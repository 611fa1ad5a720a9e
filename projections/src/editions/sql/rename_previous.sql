alter schema app rename to app_aside;
alter schema app_previous rename to app;
alter schema app_aside rename to app_previous;
