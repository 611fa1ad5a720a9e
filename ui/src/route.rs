//! The site map.
//!
//! Invariant: every address of the page is a variant here, and every link is made from one.

use schemas::domain::{JobId, ResourceId, TaskId};
use yew_router::Routable;

/// Where one can be.
#[derive(Clone, Copy, Debug, PartialEq, Routable)]
pub enum Route {
    /// The figures, and what needs attention.
    #[at("/")]
    Overview,
    /// The list of tasks.
    #[at("/tasks")]
    Tasks,
    /// One task.
    #[at("/tasks/:id")]
    Task { id: TaskId },
    /// The list of jobs.
    #[at("/jobs")]
    Jobs,
    /// One job.
    #[at("/jobs/:id")]
    Job { id: JobId },
    /// The list of resources.
    #[at("/resources")]
    Resources,
    /// One resource.
    #[at("/resources/:id")]
    Resource { id: ResourceId },
    /// The workers that are there.
    #[at("/workers")]
    Workers,
    /// Where one signs in or registers.
    #[at("/sign-in")]
    SignIn,
    /// Anything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}

/// The parts of the page that the navigation lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// The overview.
    Overview,
    /// Tasks and one task.
    Tasks,
    /// Jobs and one job.
    Jobs,
    /// Resources and one resource.
    Resources,
    /// The workers that are there.
    Workers,
}

impl Section {
    /// In the order of the navigation.
    pub const ALL: [Self; 5] = [
        Self::Overview,
        Self::Tasks,
        Self::Jobs,
        Self::Resources,
        Self::Workers,
    ];

    /// Its name in the navigation.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Tasks => "Tasks",
            Self::Jobs => "Jobs",
            Self::Resources => "Resources",
            Self::Workers => "Workers",
        }
    }

    /// Where it begins.
    pub const fn route(self) -> Route {
        match self {
            Self::Overview => Route::Overview,
            Self::Tasks => Route::Tasks,
            Self::Jobs => Route::Jobs,
            Self::Resources => Route::Resources,
            Self::Workers => Route::Workers,
        }
    }

    /// The key that leads there after `g`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Tasks => "t",
            Self::Jobs => "j",
            Self::Resources => "r",
            Self::Workers => "w",
        }
    }
}

impl Route {
    /// The section it belongs to.
    pub const fn section(self) -> Option<Section> {
        match self {
            Self::Overview => Some(Section::Overview),
            Self::Tasks | Self::Task { .. } => Some(Section::Tasks),
            Self::Jobs | Self::Job { .. } => Some(Section::Jobs),
            Self::Resources | Self::Resource { .. } => Some(Section::Resources),
            Self::Workers => Some(Section::Workers),
            Self::SignIn | Self::NotFound => None,
        }
    }

    /// Where to go after signing in: only ever a place of this page, whatever the address says.
    pub fn after_sign_in(wanted: Option<&str>) -> (Self, String) {
        let wanted = wanted.unwrap_or("/");
        let (path, query) = wanted.split_once('?').unwrap_or((wanted, ""));
        match Self::recognize(path) {
            None | Some(Self::SignIn | Self::NotFound) => (Self::Overview, String::new()),
            Some(route) => (route, query.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_own_path() {
        let id = "0199a7c2-0000-7000-8000-00000000beef";
        let routes = [
            Route::Overview,
            Route::Tasks,
            Route::Task {
                id: id.parse().expect("an id"),
            },
            Route::Jobs,
            Route::Job {
                id: id.parse().expect("an id"),
            },
            Route::Resources,
            Route::Resource {
                id: id.parse().expect("an id"),
            },
            Route::Workers,
            Route::SignIn,
            Route::NotFound,
        ];
        for route in routes {
            assert_eq!(Route::recognize(&route.to_path()), Some(route));
        }
        assert_eq!(Route::recognize("/tasks/not-an-id"), Some(Route::NotFound));
    }

    #[test]
    fn signing_in_never_leads_elsewhere() {
        let home = (Route::Overview, String::new());
        for wanted in [
            "//evil.example",
            "https://evil.example/",
            "/sign-in",
            "/nowhere",
            "",
        ] {
            assert_eq!(Route::after_sign_in(Some(wanted)), home, "{wanted}");
        }
        assert_eq!(
            Route::after_sign_in(Some("/tasks?status=failed")),
            (Route::Tasks, "status=failed".to_owned())
        );
    }
}
