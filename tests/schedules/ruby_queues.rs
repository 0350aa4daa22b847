//! sidekiq-cron, sidekiq-scheduler, solid_queue: YAML and Ruby.

use super::*;

#[test]
fn yaml_of_each_product_is_read() {
    let cron = "night_dump:\n  cron: '0 3 * * * Europe/Berlin'\n  class: 'Dump::NightJob'\n  args: [1]\n\
                noon:\n  cron: every day at noon\n  class: NoonJob\n\
                off:\n  cron: '0 4 * * *'\n  class: OffJob\n  status: disabled\n\
                # gone:\n#   cron: '0 5 * * *'\n#   class: GoneJob\n\
                drawn:\n  cron: '<%= rand(60) %> 4 * * *'\n  class: DrawnJob\n\
                wrong:\n  cron: '0 25 * * *'\n  class: WrongJob\n";
    let scheduler = ":concurrency: 5\n:scheduler:\n  :schedule:\n    clean:\n      every: ['30m', first_in: '0s']\n\
                     \x20     class: CleanWorker\n    nightly_report:\n      cron: '15 1 * * *'\n";
    let solid = "production:\n  purge:\n    command: \"Purge.run\"\n    schedule: every hour\n";
    let files = [
        ("shop/config/schedule.yml", cron),
        ("shop/config/sidekiq.yml", scheduler),
        ("shop/config/recurring.yml", solid),
        ("shop/config/locales/en.yml", "every: day\nclass: Class\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/clean as -: 30m (UTC): CleanWorker @ shop/config/sidekiq.yml:5",
            "job:shop/drawn as -: <%= rand(60) %> 4 * * * (UTC): DrawnJob @ shop/config/schedule.yml:16",
            "job:shop/night_dump as -: 0 3 * * * Europe/Berlin (Europe/Berlin): Dump::NightJob @ shop/config/schedule.yml:2",
            "job:shop/nightly_report as -: 15 1 * * * (?): nightly_report @ shop/config/sidekiq.yml:8",
            "job:shop/noon as -: every day at noon (UTC): NoonJob @ shop/config/schedule.yml:6",
            "job:shop/purge as -: every hour (?): Purge.run @ shop/config/recurring.yml:4",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "bad-schedule shop/config/schedule.yml:19: 0 25 * * *: fugit rejects it, or it is not read here: hour: 25 is not in 0-23",
        ]
    );
}

#[test]
fn ruby_of_each_product_is_read() {
    let initializer = r##"Sidekiq::Cron::Job.create(name: "Hourly sync", cron: "5 * * * *", class: "SyncJob")
# Sidekiq::Cron::Job.create(name: "No", cron: "6 * * * *", class: "NoJob")
NIGHT = "30 2 * * *"
Sidekiq::Cron::Job.load_from_hash(
  "nightly" => { "class" => "NightJob", "cron" => NIGHT },
  "by_setting" => { "class" => "SettingJob", "cron" => Settings.cron },
)
Settings.cron_jobs["stuck"] ||= {}
Settings.cron_jobs["stuck"]["cron"] ||= "*/7 * * * *"
Settings.cron_jobs["stuck"]["job_class"] = "StuckWorker"
"##;
    let report =
        World { files: &[("shop/config/initializers/sidekiq.rb", initializer)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/Hourly sync as -: 5 * * * * (UTC): SyncJob @ shop/config/initializers/sidekiq.rb:1",
            "job:shop/by_setting as -: #{Settings.cron} (UTC): SettingJob @ shop/config/initializers/sidekiq.rb:6",
            "job:shop/nightly as -: 30 2 * * * (UTC): NightJob @ shop/config/initializers/sidekiq.rb:5",
            "job:shop/stuck as -: */7 * * * * (UTC): StuckWorker @ shop/config/initializers/sidekiq.rb:9",
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}
