using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Recovery;

/// <summary>Tells this process from every other one, and whether another one on this very host still exists.</summary>
internal static class HostProcesses
{
    /// <summary>This process. On systems other than Linux the machine parts are empty, and nobody can be proven dead.</summary>
    public static HostProcess Current { get; } = OperatingSystem.IsLinux()
        ? new HostProcess(
            Read("/etc/machine-id") ?? Environment.MachineName,
            Read("/proc/sys/kernel/random/boot_id") ?? "",
            PidNamespace(),
            Environment.ProcessId,
            StartOf(Environment.ProcessId) ?? 0)
        : new HostProcess("", "", "", Environment.ProcessId, 0);

    /// <summary>Where a process runs, in words.</summary>
    public static string Describe(HostProcess process) => process switch
    {
        _ when process == Current => "this one",
        { MachineId.Length: 0 } => $"{process.ProcessId} on its machine",
        _ when process.MachineId == Current.MachineId => $"{process.ProcessId} on this machine",
        _ => $"{process.ProcessId} on machine {process.MachineId}",
    };

    /// <summary>
    /// True only if the process ran on this boot of this machine, in this process-id namespace, and its id is free or belongs to a process
    /// that started at another time. A stopped process is not gone.
    /// </summary>
    public static bool IsProvenDead(HostProcess process) =>
        OperatingSystem.IsLinux() && IsProvenDead(process, Current, StartOf, MayExist);

    /// <summary>The rule itself, for any table of processes.</summary>
    /// <param name="process">Whom it is about.</param>
    /// <param name="observer">Who asks.</param>
    /// <param name="startOf">The start of the process with an id; null where none is seen.</param>
    /// <param name="mayExist">Whether a process that is not seen may be there all the same.</param>
    public static bool IsProvenDead(HostProcess process, HostProcess observer, Func<int, long?> startOf, Func<int, bool> mayExist) =>
        observer.BootId.Length > 0
        && observer.PidNamespace.Length > 0
        && process.MachineId == observer.MachineId
        && process.BootId == observer.BootId
        && process.PidNamespace == observer.PidNamespace
        && startOf(process.ProcessId) is var start
        && start != process.ProcessStart
        && (start is not null || !mayExist(process.ProcessId));

    // Field 22 of /proc/PID/stat, in clock ticks since boot (proc(5)); the second field may hold blanks and brackets, so it is counted from
    // the last one.
    [SupportedOSPlatform("linux")]
    private static long? StartOf(int processId)
    {
        if (Read($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat") is not { } stat)
        {
            return null;
        }

        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');

        // A zombie has ended; only its parent has not taken notice yet.
        return fields[0] == "Z" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }

    // A process of another user may be hidden (proc(5), hidepid): what cannot be looked at is asked for, and only a clear no counts.
    private static bool MayExist(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !File.Exists($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat");
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string PidNamespace()
    {
        try
        {
            return new FileInfo("/proc/self/ns/pid").LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
        catch (UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
