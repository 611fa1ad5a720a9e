-- Whether somebody signs in with a second factor, which a review of access asks first. Its secret
-- is not here.
alter table users add column mfa_enabled boolean
    generated always as ((state ->> 'mfa') is not null) stored;
alter table users_history add column mfa_enabled boolean
    generated always as ((state ->> 'mfa') is not null) stored;
