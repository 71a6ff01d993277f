//! No page asks the database more than a handful of times, whatever the number of rows.

use crate::support::Site;

#[rocket::async_test]
async fn no_page_asks_more_often_when_there_is_more_to_show() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let flight = site.flight(&a, &b).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let pages = [
        ("/".to_owned(), 3),
        ("/?from=jfk&to=cdg".to_owned(), 4),
        (format!("/{}", flight.id), 4),
        ("/admin/".to_owned(), 4),
        ("/admin/airports/".to_owned(), 4),
        ("/admin/flights/?q=paris+is:valid".to_owned(), 5),
        ("/admin/passengers/".to_owned(), 4),
        (format!("/admin/flights/{}/change/", flight.id), 4),
        (format!("/admin/passengers/{}/change/", alice.id), 6),
        (format!("/admin/flights/{}/history/", flight.id), 4),
        ("/admin/flights/candidates/?name=flights&of=passengers&for=30001".to_owned(), 2),
    ];
    let mut count = async |path: &str| {
        let before = site.pool_statements();
        assert_eq!(staff.get(path).await.status.code, 200, "{path}");
        site.pool_statements() - before
    };
    let mut few = Vec::new();
    for (path, most) in &pages {
        let statements = count(path).await;
        assert!(statements <= *most, "{path}: {statements} statements, {most} allowed");
        // bin/bench shows these.
        println!("statements: {statements} {path}");
        few.push(statements);
    }
    for number in 0..40 {
        let passenger = site.passenger("Many", &format!("More {number}")).await;
        let other = site.flight(&a, &b).await;
        site.book(&flight, &passenger).await;
        site.book(&other, &alice).await;
    }
    for ((path, _), few) in pages.iter().zip(few) {
        assert_eq!(count(path).await, few, "{path} with more rows");
    }
}
