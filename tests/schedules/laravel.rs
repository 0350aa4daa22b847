//! Laravel: events of the kernel, of the facade and of groups.

use super::*;

const KERNEL: &str = r##"<?php
namespace App\Console;

use App\Jobs\Prune;
use Illuminate\Console\Scheduling\Schedule;

class Kernel extends ConsoleKernel
{
    const NIGHT = '03:15';

    protected function schedule(Schedule $schedule): void
    {
        // $schedule->command('no')->daily();
        $schedule->command('orders:export --all')
            ->dailyAt(self::NIGHT)
            ->withoutOverlapping(10)
            ->onOneServer();
        $schedule->command(SendMails::class, ['--force'])->weekdays()->at('7:30')->timezone('America/New_York');
        $schedule->job(new Prune('x'))->monthlyOn(4, '15:00')->between('8:00', '17:00');
        $schedule->call(function () {
            DB::table('carts')->delete();
        })->name('empty carts')->everyTenSeconds();
        $schedule->exec("psql shop -c 'DELETE FROM sessions'")->cron('0 0 13 * 5');
        if ($this->app->environment('production')) {
            $schedule->command('backup:run')->weeklyOn([1, 4], '8:00');
        } else {
            $schedule->command('backup:fake')->hourly();
        }
        $schedule->command('often');
        $schedule->command('by-setting')->cron(config('shop.cron'));
        $schedule->command('by-env')->dailyAt(env('AT', '4:00'));
        $schedule->command('by-zone')->daily()->timezone($this->zone());
        $schedule->command('wrong')->cron('0 25 * * *');
        $kept = $schedule->command('kept');
        $other->command('not-a-schedule')->daily();
    }
}
"##;

const ROUTES: &str = r##"<?php
use Illuminate\Support\Facades\Schedule;

Schedule::command('telescope:prune')->daily();
Schedule::daily()->onOneServer()->timezone('UTC')->group(function () {
    Schedule::command('a:one');
    Schedule::command('a:two')->at('5:00');
});
"##;

const CONFIG: &str = "<?php\nreturn [\n    'timezone' => env('APP_TIMEZONE', 'Europe/Berlin'),\n];\n";
const COMMAND: &str =
    "<?php\nclass SendMails extends Command\n{\n    protected $signature = 'mails:send {user?}';\n}\n";

#[test]
fn events_are_jobs() {
    let files = [
        ("shop/app/Console/Kernel.php", KERNEL),
        ("shop/app/Console/Commands/SendMails.php", COMMAND),
        ("shop/config/app.php", CONFIG),
        ("blog/routes/console.php", ROUTES),
    ];
    let report = World { files: &files, links: &[] }.report();
    let told: Vec<String> =
        jobs(&report).into_iter().map(|job| job.replace("shop/app/Console/Kernel.php", "K")).collect();
    assert_eq!(
        told,
        [
            "job:blog/a:one as -: 0 0 * * * (UTC) [onOneServer()]: php artisan a:one @ blog/routes/console.php:6",
            "job:blog/a:two as -: 0 5 * * * (UTC) [onOneServer()]: php artisan a:two @ blog/routes/console.php:7",
            "job:blog/telescope:prune as -: 0 0 * * * (UTC): php artisan telescope:prune @ blog/routes/console.php:4",
            "job:shop/Prune('x') as -: 0 15 4 * * (Europe/Berlin) [between('8:00', '17:00')]: Prune('x') @ K:19",
            "job:shop/backup:fake as -: 0 * * * * (Europe/Berlin) [if not ($this->app->environment('production'))]: php artisan backup:fake @ K:27",
            "job:shop/backup:run as -: 0 8 * * 1,4 (Europe/Berlin) [if ($this->app->environment('production'))]: php artisan backup:run @ K:25",
            "job:shop/by-env as -: 0 4 * * * (Europe/Berlin): php artisan by-env @ K:31",
            "job:shop/by-setting as -: ${cron(config('shop.cron'))} (Europe/Berlin): php artisan by-setting @ K:30",
            "job:shop/by-zone as -: 0 0 * * * (?): php artisan by-zone @ K:32",
            "job:shop/empty carts as -: * * * * * ->everyTenSeconds() (Europe/Berlin): a closure: DB::table('carts')->delete() @ K:20",
            "job:shop/kept as -: ${kept in a variable} (Europe/Berlin): php artisan kept @ K:34",
            "job:shop/mails:send --force as -: 30 7 * * 1-5 ->timezone('America/New_York') (America/New_York): php artisan mails:send --force @ K:18",
            "job:shop/often as -: * * * * * (Europe/Berlin): php artisan often @ K:29",
            "job:shop/orders:export --all as -: 15 3 * * * (Europe/Berlin) [withoutOverlapping(10)] [onOneServer()]: php artisan orders:export --all @ K:14",
            "job:shop/psql shop -c 'DELETE FROM sessions' as -: 0 0 13 * 5 (Europe/Berlin): psql shop -c 'DELETE FROM sessions' @ K:23",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/app/Console/Kernel.php:30: the schedule of php artisan by-setting is computed: cron(config('shop.cron'))",
            "bad-schedule shop/app/Console/Kernel.php:33: 0 25 * * *: Laravel rejects it: hour: \"25\": it is no number from 0 to 23",
            "unresolved shop/app/Console/Kernel.php:34: the schedule of php artisan kept is computed: kept in a variable",
        ]
    );
}

#[test]
fn another_class_of_that_name_is_no_scheduler() {
    let own = "<?php\nuse App\\Scheduling\\Schedule;\nSchedule::command('x', 'daily');\n";
    let word = "<?php\n$schedule->command('x')->daily();\n";
    let known = "<?php\nuse Illuminate\\Support\\Facades\\Schedule as S, Illuminate\\Support\\Facades\\Schedule;\n\
                 $text = \"Schedule::command('no')\"; # Schedule::command('neither')->daily();\nSchedule::call('A@b')->hourly();\n";
    let files = [("routes/console.php", own), ("app/Other.php", word), ("blog/routes/console.php", known)];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(jobs(&report), ["job:blog/A@b as -: 0 * * * * (UTC): A@b @ blog/routes/console.php:4"]);
    assert_eq!(
        gaps(&report),
        [
            "unresolved routes/console.php:3: the schedule of php artisan x is computed: App\\Scheduling\\Schedule is the application's own"
        ]
    );
}
