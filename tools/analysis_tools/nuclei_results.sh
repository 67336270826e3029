#!/usr/bin/env bash
# Trains and evaluates every row of the table of nuclei results, then writes it to nuclei.md.
#   tools/analysis_tools/nuclei_results.sh [SEED ...]            (default: 0)
# Needs data/nuclei with annotations/instances_{train,val}.json. A run that is finished is kept, one
# that was interrupted is resumed.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
configs="$(dirname "$tools")/configs"
python="${PYTHON:-python}"
annotations=data/nuclei/annotations
work=work_dirs/nuclei
seeds=("${@:-0}")

# run NAME CONFIG [KEY=VALUE ...]: train, then measure boundary AP too
run() {
    local folder="$work/$1_seed$seed" config="$configs/$2"
    shift 2
    if [[ ! -f "$folder/epoch_24.pth" ]]; then
        "$python" "$tools/train.py" "$config" --work-dir "$folder" --resume \
            --cfg-options "randomness.seed=$seed" "$@"
    fi
    if [[ ! -f "$folder/tested" ]]; then
        "$python" "$tools/test.py" "$config" "$folder/epoch_24.pth" --work-dir "$folder" \
            --cfg-options test_evaluator.type=mmpointrend.CocoMetric \
            "test_evaluator.metric=['bbox','segm','boundary']"
        touch "$folder/tested"
    fi
}

# points NAME COMMAND...: make an annotation file once
points() {
    local file="$annotations/instances_train_$1.json"
    shift
    [[ -f "$file" ]] || "$python" "$tools/dataset_tools/$1" "${@:2}" "$file"
}

points p10 sample_points.py "$annotations/instances_train.json" --num-points 10
# Five percent of wrong labels: any, or those nearest to the objects' boundaries.
disturb=(disturb_points.py "$annotations/instances_train_p10.json" --share 0.05)
points p10-random "${disturb[@]}" --where random
points p10-boundary "${disturb[@]}" --where boundary --masks "$annotations/instances_train.json"

implicit=implicit_pointrend/implicit-pointrend_r18-small_fpn
for seed in "${seeds[@]}"; do
    for model in point_sup/mask-rcnn pointrend/pointrend implicit_pointrend/implicit-pointrend \
        point_sup/condinst; do
        for supervision in masks p10 p10-aug; do
            run "$(basename "$model")_$supervision" \
                "${model}_r18-small_fpn_${supervision}_24e_nuclei.py"
        done
    done
    for supervision in masks p10; do
        run "pointins-fcos_$supervision" \
            "pointins/pointins-fcos_r18-small_fpn_${supervision}_24e_nuclei.py"
    done
    for where in random boundary; do
        run "implicit-pointrend_p10-$where" "${implicit}_p10_24e_nuclei.py" \
            "train_dataloader.dataset.ann_file=annotations/instances_train_p10-$where.json"
    done
    # Self-training: the first seed's Implicit PointRend draws the masks, Mask R-CNN learns them.
    points pseudo pseudo_masks.py "$configs/${implicit}_p10_24e_nuclei.py" \
        "$work/implicit-pointrend_p10_seed${seeds[0]}/epoch_24.pth" \
        "$annotations/instances_train_p10.json" --keep-points
    run mask-rcnn_pseudo point_sup/mask-rcnn_r18-small_fpn_pseudo_24e_nuclei.py
done

"$python" "$tools/analysis_tools/collect_results.py" "$work"/*_seed* -o nuclei.md
